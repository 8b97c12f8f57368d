/**
 * The fake of Google Secret Manager in its own process, because a blocked thread cannot answer itself. Prints its port,
 * and ends with its parent process. `POST /fake` changes it: `{ clear, put: { NAME: 'value' }, fault, tokens }`.
 * `GET /fake` lists its requests.
 */
require('./register-typescript.cjs');
const { createServer, request: send } = require('node:http');
const { FakeGoogleSecretManager } = require('./fake-google-secret-manager.ts');

async function main() {
  const fake = await new FakeGoogleSecretManager().start();
  const server = createServer(async (request, response) => {
    if (request.url !== '/fake') return forward(request, response, fake.port);
    const text = Buffer.concat(await request.toArray()).toString();
    const { clear, put = {}, fault, tokens } = text === '' ? {} : JSON.parse(text);
    if (clear) {
      fake.store.clear();
      fake.fail(undefined);
      fake.requests.length = 0;
    }
    for (const [name, value] of Object.entries(put)) fake.store.put(name, value);
    if (fault !== undefined) fake.fail(fault ?? undefined);
    if (tokens !== undefined) {
      fake.logins.tokens.clear();
      for (const token of tokens) fake.logins.tokens.add(token);
    }
    response.end(JSON.stringify([...fake.asked, ...fake.loggedIn]));
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}

function forward(request, response, port) {
  const { method, url, headers } = request;
  const forwarded = send({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  forwarded.on('error', () => response.destroy());
  request.pipe(forwarded);
}

void main();
process.stdin.on('end', () => process.exit()).resume();
