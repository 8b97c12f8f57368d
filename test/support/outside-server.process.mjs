/**
 * A store over HTTP in its own process, because a blocked thread cannot answer itself. Prints its port, and ends with
 * its parent process.
 */
import { createServer } from 'node:http';
import { actAsProxy } from './tunnels.mjs';

let connections = 0;

const ROUTES = {
  secret: (_, response, name) =>
    name.startsWith('ABSENT')
      ? reply(response, 404, { errors: [] })
      : reply(response, 200, { value: `value of ${name}` }),
  secrets: (...asked) => ROUTES.secret(...asked),
  tunnels: (_, response) => reply(response, 200, tunnels),
  connections: (_, response) => reply(response, 200, connections),
  status: (_, response, status) => reply(response, Number(status), { secret: 'canary-of-a-body' }),
  text: (_, response) => response.end('Zürich 秘密 🔑'),
  'no-json': (_, response) => response.end('{"secret":"canary-of-a-body"'),
  hang: () => undefined,
  slow: (_, response, ms) => setTimeout(() => reply(response, 200, 'late'), Number(ms)),
  reset: (request) => request.socket.resetAndDestroy(),
  'half-a-body': (_, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('canary-of-a-body', () => response.destroy());
  },
  redirect: (_, response) => {
    response.writeHead(307, { location: '/secret/ELSEWHERE' });
    response.end();
  },
  large: (_, response, megabytes) => response.end(Buffer.alloc(Number(megabytes) * 1024 * 1024)),
  echo: async (request, response) => {
    const { method, url, headers } = request;
    const body = Buffer.concat(await request.toArray()).toString();
    reply(response, 200, { method, url, headers, body });
  },
};

const server = createServer((request, response) => {
  const [, route, rest = ''] = request.url.split(/[/?]/);
  ROUTES[route](request, response, decodeURIComponent(rest));
});
const tunnels = actAsProxy(server);
server.on('connection', () => (connections += 1));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();

function reply(response, status, content) {
  response.writeHead(status, { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] });
  response.end(JSON.stringify(content));
}
