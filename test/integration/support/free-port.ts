import { once } from 'node:events';
import { createServer } from 'node:net';

const PORTS_PER_WORKER = 1_000;
/** Below the ports that the system gives to clients, and apart for each worker of Jest. */
const FIRST_PORT = 20_000 + Number(process.env.JEST_WORKER_ID ?? 0) * PORTS_PER_WORKER;
let next = Math.floor(Math.random() * PORTS_PER_WORKER);

/** Resolves to a port on which nobody listens now. No other worker takes it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + (next++ % PORTS_PER_WORKER);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
