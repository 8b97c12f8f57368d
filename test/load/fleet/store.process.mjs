/** A store with versions: `GET /NAME`, `PUT /NAME`. It counts its reads. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { serveParent } from './child.mjs';

const secrets = new Map();
let reads = 0;

const server = createServer(async (request, response) => {
  let content = '';
  for await (const chunk of request) content += chunk;
  const answer = request.method === 'PUT' ? write(request.url, content) : read(request.url);
  response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer ?? {}));
});

function read(name) {
  reads += 1;
  return secrets.get(name);
}

function write(name, value) {
  const version = String(Number(secrets.get(name)?.version ?? 0) + 1);
  secrets.set(name, { value, version });
  return { version };
}

serveParent({ reads: () => ({ reads }) });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send({ address: `http://127.0.0.1:${server.address().port}` });
