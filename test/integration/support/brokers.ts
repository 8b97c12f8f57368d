import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually';
import { freePort } from './free-port';
import { SUPERVISOR } from './openbao';
import { startPostgres } from './postgres';
import { binary } from './valkey';

const NATS = join(__dirname, '../../../.cache/servers/bin/nats-server');

/** A broker that can be killed, started again on its port, and frozen. */
export interface Broker {
  readonly port: number;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Stops the process where it is. Its sockets stay open, and nothing is answered. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Ends the broker for good. */
  stop(): Promise<void>;
}

/** A server that a supervisor runs, so that it ends with the test run. */
class SupervisedBroker implements Broker {
  #process: ChildProcess | undefined;

  constructor(
    readonly port: number,
    private readonly command: readonly string[],
  ) {}

  async start(): Promise<void> {
    this.#process = fork(SUPERVISOR, [...this.command], { stdio: 'ignore' });
    await eventually('the broker listens', () => isListening(this.port));
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const ended = once(child, 'exit');
    child.send('SIGKILL');
    await ended;
  }

  async freeze(): Promise<void> {
    await this.#send('SIGSTOP');
  }

  async thaw(): Promise<void> {
    await this.#send('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
  }

  async #send(signal: string): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const sent = once(child, 'message');
    child.send(signal);
    await sent;
  }
}

export async function startNats(...flags: readonly string[]): Promise<Broker> {
  const port = await freePort();
  const broker = new SupervisedBroker(port, [NATS, '-a', '127.0.0.1', '-p', `${port}`, ...flags]);
  await broker.start();
  return broker;
}

export async function startValkeyBroker(...flags: readonly string[]): Promise<Broker> {
  const port = await freePort();
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', tmpdir()];
  const broker = new SupervisedBroker(port, [binary(), ...args, ...flags]);
  await broker.start();
  return broker;
}

export interface PostgresBroker extends Broker {
  readonly login: { readonly user: string; readonly password: string };
}

export async function startPostgresBroker(): Promise<PostgresBroker> {
  const server = await startPostgres();
  let isUp = true;
  return {
    port: server.port,
    login: server.admin,
    kill: async () => {
      if (isUp) await server.control('kill');
      isUp = false;
    },
    start: async () => {
      if (!isUp) await server.control('start');
      isUp = true;
    },
    freeze: () => server.control('freeze'),
    thaw: () => server.control('thaw'),
    stop: () => server.stop(),
  };
}

/** Returns the `fail` of a conformance harness. */
export function failureOf(broker: Broker): (fault?: 'unavailable' | 'hanging') => Promise<void> {
  let current: 'unavailable' | 'hanging' | undefined;
  return async (fault) => {
    const former = current;
    current = fault;
    if (former === 'hanging') await broker.thaw();
    if (former === 'unavailable') await broker.start();
    if (fault === 'hanging') await broker.freeze();
    if (fault === 'unavailable') await broker.kill();
  };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return await once(socket, 'connect')
    .then(() => true)
    .catch(() => false)
    .finally(() => socket.destroy());
}
