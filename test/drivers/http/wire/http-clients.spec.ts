import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { inspect } from 'node:util';
import { HttpClients } from '../../../../lib/drivers/http/wire/http-clients';
import type { HttpAnswer, HttpSteps } from '../../../../lib/drivers/http/wire/http-request';

function* get(url: string): HttpSteps<HttpAnswer> {
  return yield { method: 'GET', url };
}

describe('a request', () => {
  let servers: Server[] = [];
  let clients: HttpClients[] = [];

  afterEach(async () => {
    await Promise.all(clients.map((one) => one.close()));
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    [servers, clients] = [[], []];
  });

  async function listen(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  function send(url: string): Promise<HttpAnswer> {
    const client = new HttpClients('store', { origin: new URL(url).origin });
    clients.push(client);
    return client.run(get(url), { timeoutMs: 2_000 });
  }

  it.each([
    [
      'a port that the URL standard writes otherwise',
      (port: number) => `http://127.0.0.1:0${port}`,
    ],
    ['a host that the URL standard writes otherwise', (port: number) => `http://127.1:${port}`],
  ])('has the same path at %s', async (_, addressOf) => {
    const echo = createHttpServer(({ url }, response) => response.end(url));
    const address = addressOf(await listen(echo));

    const answers = [await send(`${address}/a%2Fb?c=d`), await send(address)];

    expect(answers.map(({ body }) => body.toString())).toEqual(['/a%2Fb?c=d', '/']);
  });

  it('shows nothing of an answer that is no HTTP', async () => {
    const broken = createServer((socket) =>
      socket
        .on('error', () => undefined)
        .once('data', () => {
          socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZcanary-value\r\n');
        }),
    );
    const address = `http://127.0.0.1:${await listen(broken)}`;

    const error: unknown = await send(`${address}/`).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ name: 'HTTPParserError' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('canary');
  });
});
