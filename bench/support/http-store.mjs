import { spawn } from 'node:child_process';
import { once } from 'node:events';

const SCRIPT = `
  const { createServer } = require('node:http');
  const answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"value":"a value"}');
  const server = createServer((request, response) => {
    const latencyMs = Number(request.url.split('/')[1]);
    if (latencyMs > 0) setTimeout(answer, latencyMs, response);
    else answer(response);
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
  process.stdin.on('end', () => process.exit()).resume();
`;

/** Starts a store in its own process: `GET /LATENCY/NAME` answers after that many milliseconds. */
export async function startHttpStore() {
  const child = spawn(process.execPath, ['-e', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [port] = await once(child.stdout, 'data');
  return {
    address: `http://127.0.0.1:${String(port).trim()}`,
    stop: () => child.stdin.end(),
  };
}
