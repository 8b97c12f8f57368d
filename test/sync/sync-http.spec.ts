import { type SecretManagerError } from 'nestjs-custom-secret-manager';
import { SyncHttp, requestSync, type SyncRequestOptions } from 'nestjs-custom-secret-manager/sync';
import { request } from 'undici';
import { translateError } from '../../lib/core/errors/error-table';
import { everythingOf, failureOf } from '../support/failure-of';
import { OutsideServer } from '../support/outside-server';
import { thrownBy } from '../support/thrown-by';

const CONTEXT = { manager: 'test', operation: 'readSecretSync' };

describe('a synchronous request', () => {
  const server = new OutsideServer();
  const http = new SyncHttp();

  const ask = (path: string, options?: SyncRequestOptions) =>
    http.request(`${server.address}/${path}`, options);

  beforeAll(() => server.start());

  afterAll(async () => {
    await http.close();
    await server.stop();
  });

  it('returns status, headers and body', () => {
    const { statusCode, headers, text, json } = bound(ask('secret/A'));

    expect(statusCode).toBe(200);
    expect(headers['content-type']).toBe('application/json');
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(text()).toBe('{"value":"value of A"}');
    expect(json()).toEqual({ value: 'value of A' });
  });

  it('sends method, headers, query and body', () => {
    const options = { method: 'POST', headers: { 'x-one': '1', 'x-none': undefined }, body: '{}' };

    const seen = ask('echo?version=2', options).json();

    expect(seen).toMatchObject({ method: 'POST', url: '/echo?version=2', body: '{}' });
    expect(seen).toHaveProperty('headers.x-one', '1');
    expect(seen).not.toHaveProperty('headers.x-none');
  });

  it('sends bytes', () => {
    const seen = ask('echo', { method: 'PUT', body: Buffer.from('bytes') }).json();

    expect(seen).toMatchObject({ body: 'bytes' });
  });

  it('uses a tunnel through a proxy, but not to a host of noProxy', () => {
    const proxy = server.address.replace('//', '//user:pass%20word@');
    const url = 'http://store.example/secret/A';

    const through = http.request(url.replace('.example', `.example:${portOf(server)}`), { proxy });
    const past = ask('secret/B', { proxy: 'http://127.0.0.1:1', noProxy: '127.0.0.1' });
    const tunnels = ask('tunnels').json();

    expect([through.json(), past.json()]).toEqual([
      { value: 'value of A' },
      { value: 'value of B' },
    ]);
    const credentials = `Basic ${Buffer.from('user:pass word').toString('base64')}`;
    expect(tunnels).toEqual([`store.example:${portOf(server)} ${credentials}`]);
  });

  it.each([
    [403, 'MISCONFIGURED'],
    [407, 'MISCONFIGURED'],
    [503, 'UNAVAILABLE'],
  ])('translates the %d of a proxy', async (status, code) => {
    const proxy = server.address.replace('//', '//user:canary@');

    const failure = await failureOf(() =>
      http.request(`http://refused-${status}.example`, { proxy }),
    );

    expect(failure.code).toBe(code);
    expect(failure.message).toContain(`HTTP ${status}`);
    expect(everythingOf(failure)).not.toContain('canary');
  });

  it('accepts a URL as an address', () => {
    expect(http.request(new URL(`${server.address}/secret/A`)).statusCode).toBe(200);
  });

  it('reads the body as UTF-8', () => {
    expect(ask('text').text()).toBe('Zürich 秘密 🔑');
  });

  it('reads a whole body of a megabyte', () => {
    expect(ask('large/1').text()).toHaveLength(1024 * 1024);
  });

  it('is refused as malformed past 32 MiB', async () => {
    const error = await failureOf(() => ask('large/33'));

    expect(error.code).toBe('MALFORMED');
    expect(ask('secret/A').statusCode).toBe(200);
  });

  it.each([404, 403, 429, 503])('returns an answer with status %d unchanged', (status) => {
    expect(ask(`status/${status}`).statusCode).toBe(status);
  });

  it('does not follow a redirect', () => {
    const { statusCode, headers } = ask('redirect');

    expect([statusCode, headers.location]).toEqual([307, '/secret/ELSEWHERE']);
  });

  it('rejects an invalid JSON body as malformed, and quotes nothing of it', async () => {
    const response = ask('no-json');

    const error = await failureOf(() => response.json());

    expect(error.code).toBe('MALFORMED');
    expect(everythingOf([error, response])).not.toContain('canary');
  });

  it('keeps one connection for many requests', () => {
    for (let round = 0; round < 20; round++) ask('secret/A');
    const before = ask('connections').json();

    for (let round = 0; round < 20; round++) ask('secret/A');

    expect(ask('connections').json()).toBe(before);
  });

  it.each(['reset', 'half-a-body'])(
    'that breaks (%s) is classified like an asynchronous one, and quotes nothing',
    async (path) => {
      const url = `${server.address}/${path}`;
      const asynchronous = await request(url)
        .then(({ body }) => body.text())
        .catch((error: unknown) => error);

      const error = thrownBy(() => http.request(url, { headers: { 'x-token': 'canary' } }));

      expect(translated(error)).toEqual(translated(asynchronous));
      expect(everythingOf(error)).not.toContain('canary');
    },
  );

  it.each(['http://127.0.0.1:1/', 'http://nowhere.invalid/'])(
    'to %s is classified like an asynchronous one',
    async (url) => {
      const asynchronous: unknown = await request(url).catch((error: unknown) => error);

      expect(translated(thrownBy(() => http.request(url)))).toEqual(translated(asynchronous));
    },
  );

  it('to a server without TLS is classified like an asynchronous one', async () => {
    const url = server.address.replace('http:', 'https:');
    const asynchronous: unknown = await request(url).catch((error: unknown) => error);

    const error = translated(thrownBy(() => http.request(url)));

    expect(error).toEqual(translated(asynchronous));
    expect(error.code).toBe('MISCONFIGURED');
  });

  it('ends at its deadline ten times in a row, and the eleventh is answered correctly', async () => {
    const codes: string[] = [];

    for (let round = 0; round < 10; round++) {
      const error = await failureOf(() => ask('slow/150', { timeoutMs: 20 }));
      codes.push(error.code);
    }
    const answer = ask('secret/A', { timeoutMs: 20_000 }).json();

    expect(codes).toEqual(Array.from({ length: 10 }, () => 'TIMEOUT'));
    expect(answer).toEqual({ value: 'value of A' });
  });

  it('ends at its deadline while the connection hangs', async () => {
    const error = await failureOf(() => ask('hang', { timeoutMs: 50 }));

    expect(error).toMatchObject({ code: 'TIMEOUT', retryable: true });
  });

  it.each<[string, unknown, unknown, RegExp]>([
    ['an invalid address', 'canary', {}, /address.*http: or https:/],
    ['an address of a file', 'file:///canary', {}, /address.*http: or https:/],
    ['invalid options', undefined, 'canary', /options.*must be an object/],
    [
      'a signal',
      undefined,
      { signal: new AbortController().signal },
      /"signal".*is unknown.*timeoutMs/,
    ],
    ['a function as body', undefined, { body: () => 'canary' }, /"body".*is a function/],
    ['a stream as body', undefined, { body: new ReadableStream() }, /"body".*is an object/],
    ['a number as header', undefined, { headers: { 'x-a': 1 } }, /"headers".*"x-a" is a number/],
    ['a line break in a header', undefined, { headers: { 'x-a': 'canary\r\nx-b: 1' } }, /"x-a"/],
    ['a break in one of several', undefined, { headers: { 'x-a': ['1', 'canary\n'] } }, /"x-a"/],
    [
      'a header of no name',
      undefined,
      { headers: { 'x a': 'canary' } },
      /"x a".*no header can have/,
    ],
    ['Headers', undefined, { headers: new Headers({ 'x-a': 'canary' }) }, /plain object/],
    ['a method that is no string', undefined, { method: Symbol('canary') }, /"method".*a symbol/],
    [
      'a deadline that never comes',
      undefined,
      { timeoutMs: Infinity },
      /"timeoutMs".*milliseconds/,
    ],
    ['certificates that are no text', undefined, { tls: { ca: [1] } }, /"ca" is an array/],
    ['an unknown option of TLS', undefined, { tls: { pfx: 'canary' } }, /"pfx" is a string/],
    ['a proxy that is no URL', undefined, { proxy: 'canary' }, /"proxy".*must be a URL/],
    [
      'a proxy of another kind',
      undefined,
      { proxy: 'socks5://canary' },
      /"proxy".*http: or https:/,
    ],
    ['a list that is no string', undefined, { noProxy: ['canary'] }, /"noProxy".*is an array/],
  ])('with %s is refused at once, quoting no value', async (_, url, options, message) => {
    const error = await failureOf(() =>
      http.request((url ?? server.address) as string, options as SyncRequestOptions),
    );

    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).toMatch(message);
    expect(everythingOf(error)).not.toContain('canary');
  });

  it('is not sent after close', async () => {
    const closing = new SyncHttp();
    closing.start();

    await closing.close();
    const error = await failureOf(() => closing.request(server.address));

    expect(error.code).toBe('UNAVAILABLE');
  });

  it('alternates with asynchronous ones: a thousand, each answered correctly by one worker', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `SECRET_${index}`);
    http.start();
    const before = workersOfThisProcess();
    const answers: unknown[] = [];

    for (const name of names) {
      answers.push(ask(`secret/${name}`).json());
      const { body } = await request(`${server.address}/secret/${name}`);
      answers.push(await body.json());
    }

    expect(answers).toEqual(
      names.flatMap((name) => Array.from({ length: 2 }, () => ({ value: `value of ${name}` }))),
    );
    expect(workersOfThisProcess()).toBe(before);
  });

  it('works as a plain function', () => {
    const answers = ['A', 'B'].map((name) => requestSync(`${server.address}/secret/${name}`));

    expect(answers.map((answer) => answer.json())).toEqual([
      { value: 'value of A' },
      { value: 'value of B' },
    ]);
  });
});

function translated(thrown: unknown): SecretManagerError {
  return translateError(thrown, CONTEXT);
}

function workersOfThisProcess(): number {
  const { workers } = process.report.getReport() as { workers: unknown[] };
  return workers.length;
}

function bound(response: ReturnType<SyncHttp['request']>) {
  const { statusCode, headers } = response;
  return { statusCode, headers, text: () => response.text(), json: () => response.json() };
}

function portOf({ address }: OutsideServer): string {
  return new URL(address).port;
}
