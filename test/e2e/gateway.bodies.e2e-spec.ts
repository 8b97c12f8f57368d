import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { request as ask } from 'undici';
import { closeApplications } from '../support/application';
import { FakeProvider } from '../support/fake-provider';
import {
  ECHO,
  MASTER_KEY,
  hello,
  modelEntry,
  startGateway,
  type Gateway,
} from '../support/gateway';
import { hurryTime } from '../support/hurried-time';
import { removeTemporaryFolders } from '../support/temporary-folder';

jest.setTimeout(30_000); // for a machine that is busy with other tests

const MB = 1024 * 1024;
const CHAT = '/v1/chat/completions';
const JSON_TYPE = { 'content-type': 'application/json' };

function chatOf(content: unknown, model = 'echo'): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content }] });
}

describe('the body of a request', () => {
  let gateway: Gateway;

  beforeEach(async () => {
    gateway = await startGateway(new InMemorySecretManager({ MASTER_KEY }));
  });

  afterEach(async () => {
    await closeApplications();
    removeTemporaryFolders();
  });

  const send = async (
    path: string,
    body: string | Buffer,
    { key = MASTER_KEY, headers = {} }: { key?: string; headers?: Record<string, string> } = {},
  ): Promise<{ status: number; text: string }> => {
    const answer = await ask(gateway.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, ...JSON_TYPE, ...headers },
      body,
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  };

  /** Opens a connection, and sends the head of a request. */
  const begin = async (path: string, ...headers: readonly string[]): Promise<Socket> => {
    const { port } = new URL(gateway.url);
    const socket = connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    const head = [`POST ${path} HTTP/1.1`, 'host: localhost', 'content-type: application/json'];
    socket.on('error', () => undefined);
    socket.write(`${[...head, ...headers].join('\r\n')}\r\n\r\n`);
    return socket;
  };

  const firstLine = async (socket: Socket): Promise<string> => {
    const [data] = (await once(socket, 'data')) as [Buffer];
    return data.toString('latin1').split('\r\n', 1)[0] ?? '';
  };

  it.each([
    ['without a key', []],
    ['with a wrong key', ['authorization: Bearer sk-of-nobody-at-all-1']],
  ])('is not read %s', async (_, headers) => {
    for (const path of [CHAT, '/key/generate', '/key/delete']) {
      const socket = await begin(path, 'content-length: 20000000', ...headers);

      expect(await firstLine(socket)).toBe('HTTP/1.1 401 Unauthorized');
      socket.destroy();
    }
  });

  it.each(['', 'sk-of-nobody-at-all-1'])('is not parsed with the key "%s"', async (key) => {
    const bodies = ['not JSON', '['.repeat(200_000), 'x'.repeat(200 * 1024)];

    for (const body of bodies) {
      for (const path of [CHAT, '/key/generate']) {
        expect(await send(path, body, { key })).toMatchObject({ status: 401 });
      }
    }
  });

  it('without a key is discarded, so that the sender of 20 MB gets the answer', async () => {
    const body = chatOf('x'.repeat(19 * MB));

    const statuses = await Promise.all(
      Array.from({ length: 12 }, async () => (await send(CHAT, body, { key: '' })).status),
    );

    expect(new Set(statuses)).toEqual(new Set([401]));
  });

  it('that does not end is cut off', async () => {
    const socket = await begin(CHAT, 'transfer-encoding: chunked');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const write = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', write);
    socket.resume();
    write();

    await closed;

    expect(socket.bytesWritten).toBeLessThan(1_000 * MB);
  });

  it('that arrives too slowly is cut off', async () => {
    const restoreTime = hurryTime(10);
    const socket = await begin(CHAT, 'content-length: 1000');
    const line = await firstLine(socket);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const dripping = setInterval(() => socket.write('x'), 50);

    await closed;
    clearInterval(dripping);
    restoreTime();

    expect(line).toBe('HTTP/1.1 401 Unauthorized');
  }, 15_000);

  it('leaves the connection to the next request', async () => {
    const socket = await begin('/key/generate', 'content-length: 4');
    const first = await firstLine(socket);
    socket.write('null');
    socket.write('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n');

    expect([first, await firstLine(socket)]).toEqual([
      'HTTP/1.1 401 Unauthorized',
      'HTTP/1.1 200 OK',
    ]);
    socket.destroy();
  });

  it('may have 20 MB for chat, and 100 KB elsewhere', async () => {
    const sizes = [
      [CHAT, chatOf('x'.repeat(19 * MB))],
      [CHAT, chatOf('x'.repeat(21 * MB))],
      ['/key/generate', JSON.stringify({ models: ['x'] }) + ' '.repeat(99 * 1024)],
      ['/key/generate', JSON.stringify({ models: ['x'] }) + ' '.repeat(101 * 1024)],
      ['/key/delete', JSON.stringify({ keys: ['x'.repeat(101 * 1024)] })],
    ] as const;

    const statuses: number[] = [];
    for (const [path, body] of sizes) statuses.push((await send(path, body)).status);

    expect(statuses).toEqual([200, 413, 200, 413, 413]);
  });

  it('is measured if its length is not announced', async () => {
    const headers = [`authorization: Bearer ${MASTER_KEY}`, 'transfer-encoding: chunked'];
    const socket = await begin('/key/generate', ...headers);
    socket.write(`20000\r\n${'x'.repeat(0x20000)}\r\n`);

    expect(await firstLine(socket)).toBe('HTTP/1.1 413 Payload Too Large');
    socket.destroy();
  });

  it.each([
    ['lists', '['.repeat(200_000) + ']'.repeat(200_000)],
    ['objects', '{"a":'.repeat(200_000) + '1' + '}'.repeat(200_000)],
    ['both', '[{"a":'.repeat(100_000) + '"]"' + '}]'.repeat(100_000)],
    ['lists that do not end', '['.repeat(200_000)],
  ])('is refused with 400 if it nests 200 000 %s', async (_, deep) => {
    const bodies = [
      deep,
      `{"model":"echo","messages":[{"role":"user","content":${deep}}]}`,
      `{"model":"echo","messages":[{"role":"user","content":"x"}],"metadata":${deep}}`,
    ];

    for (const body of bodies) {
      const { status, text } = await send(CHAT, body);
      expect([status, text]).toEqual([400, expect.stringContaining('nested too deep')]);
    }
    expect(gateway.log.warnings).toEqual([]);
  });

  it.each(['key_alias', 'models', 'key', 'duration', 'other'])(
    'is refused with 400 if %s of a key is nested 40 000 deep',
    async (field) => {
      const body = `{"${field}":${'['.repeat(40_000)}${']'.repeat(40_000)}}`;

      expect(await send('/key/generate', body)).toMatchObject({ status: 400 });
    },
  );

  it('may nest as deep as tool schemas', async () => {
    const deep = JSON.parse('{"a":['.repeat(50) + '1' + ']}'.repeat(50)) as object;
    const body = JSON.stringify({ ...hello('echo'), tools: [deep], note: '[[['.repeat(1_000) });

    expect(await send(CHAT, body)).toMatchObject({ status: 200 });
  });

  it.each([
    ['messages', CHAT, 10_000, { role: 'user', content: 'x' }],
    ['tools', CHAT, 1_000, {}],
    ['models', '/key/generate', 200, 'echo'],
    ['models', '/key/update', 200, 'echo'],
    ['keys', '/key/delete', 1_000, 'x'],
    ['key_aliases', '/key/delete', 1_000, 'x'],
  ])('is refused for too many %s, at %s', async (field, path, max, element) => {
    const known = path === CHAT ? hello('echo') : path === '/key/update' ? { key: 'sk-x' } : {};
    const bodyOf = (elements: readonly unknown[]): string =>
      JSON.stringify({ ...known, [field]: elements });

    const most = await send(path, bodyOf(Array(max).fill(element)));
    const tooMany = await send(path, bodyOf(Array(max + 1).fill(element)));
    const wrong = await send(path, bodyOf(Array(max + 1).fill(null)));

    expect([200, 404]).toContain(most.status);
    for (const { status, text } of [tooMany, wrong]) {
      expect(status).toBe(400);
      expect(JSON.parse(text)).toMatchObject({
        error: { param: field, message: expect.stringContaining(`more than ${max} elements`) },
      });
    }
  });

  const LONG = 19.9 * MB;
  const filled = (piece: string): string =>
    Array(Math.floor(LONG / (piece.length + 1)))
      .fill(piece)
      .join();

  it.each<[string, () => string]>([
    ['messages', () => `{"model":"echo","messages":[${filled('{}')}]}`],
    ['numbers for messages', () => `{"model":"echo","messages":[${filled('1')}]}`],
    ['tools', () => chatOf('x').replace(/\}$/, `,"tools":[${filled('{}')}]}`)],
    ['lists in a field', () => chatOf('x').replace(/\}$/, `,"other":[${filled('[]')}]}`)],
    ['parts of content', () => chatOf([]).replace('[]', `[${filled('{}')}]`)],
    ['fields', () => `{${fields()}}`],
    ['fields of a message', () => `{"model":"echo","messages":[{"role":"user",${fields()}}]}`],
    ['a string of escapes', () => chatOf('\n'.repeat(LONG / 2))],
  ])('of 20 MB does not delay other requests: %s', async (_, bodyOf) => {
    const body = Buffer.from(bodyOf());
    let isOver = false;
    let longestMs = 0;
    const watch = async (): Promise<void> => {
      while (!isOver) {
        const before = process.cpuUsage(); // time on the clock counts what other processes do
        await new Promise((resolve) => setTimeout(resolve, 5));
        const { user, system } = process.cpuUsage(before);
        longestMs = Math.max(longestMs, (user + system) / 1_000);
      }
    };
    const watched = watch();

    const { status } = await send(CHAT, body);
    isOver = true;
    await watched;

    expect([200, 400]).toContain(status);
    expect(longestMs).toBeLessThan(2_000); // half a second on an idle machine
  });

  it.each([
    ['application/x-www-form-urlencoded', {}],
    ['text/plain', {}],
    ['application/jsonp', {}],
    ['', {}],
    ['application/json; charset=utf-16', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
  ])('is refused as "%s" %j', async (type, headers) => {
    const body = 'content-encoding' in headers ? gzipSync('{}') : '{}';

    const { status } = await send('/key/generate', body, {
      headers: { ...headers, 'content-type': type },
    });

    expect(status).toBe(415);
  });

  it.each(['application/json', 'Application/JSON; Charset=UTF-8', 'application/vnd.api+json'])(
    'is accepted as "%s"',
    async (type) => {
      const headers = { 'content-type': type };

      expect(await send('/key/generate', '\ufeff{"models":["ü"]}', { headers })).toMatchObject({
        status: 200,
      });
    },
  );

  it('is refused if it is not UTF-8', async () => {
    const body = Buffer.from('{"key_alias":"\u00fc"}', 'latin1');

    expect(await send('/key/generate', body)).toMatchObject({ status: 400 });
  });

  describe.each([false, true])('with a message of a megabyte, streamed: %s', (stream) => {
    const size = MB;

    it.each([
      ['spaces', ' '.repeat(size)],
      ['tabs', '\t'.repeat(size)],
      ['line breaks', '\r\n'.repeat(size / 2)],
      ['other spaces', '\u00a0\u2028'.repeat(size / 8)],
      ['spaces before a word', `${' '.repeat(size)}x`],
      ['spaces between words', `x${' '.repeat(size)}x`],
      ['one word', 'x'.repeat(size)],
    ])('answers at once: %s', async (_, content) => {
      const { status, text } = await send(CHAT, JSON.stringify({ ...chat(content), stream }));

      expect(status).toBe(200);
      expect(stream ? contentOfEvents(text) : contentOf(text)).toBe(content);
    });
  });
});

/** Fields with different names, 20 MB of them. */
function fields(): string {
  return Array.from({ length: 1_300_000 }, (_, at) => `"f${at}":1`).join();
}

function chat(content: string): object {
  return JSON.parse(chatOf(content)) as object;
}

function contentOf(text: string): unknown {
  const { choices } = JSON.parse(text) as { choices: { message: { content: unknown } }[] };
  return choices[0]?.message.content;
}

function contentOfEvents(text: string): string {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice('data: '.length)) as Chunk)
    .map(({ choices }) => choices[0]?.delta.content ?? '')
    .join('');
}

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
}

describe('the answer of a provider', () => {
  let provider: FakeProvider;
  let gateway: Gateway;

  beforeEach(async () => {
    provider = await new FakeProvider('sk-canary-of-the-provider').start();
    const store = new InMemorySecretManager({ MASTER_KEY, PROVIDER_KEY: provider.key });
    const api_key = 'os.environ/PROVIDER_KEY';
    gateway = await startGateway(store, [
      ECHO,
      modelEntry('gpt', 'openai/gpt', { api_key, api_base: `${provider.url}/v1` }),
      modelEntry('claude', 'anthropic/claude', { api_key, api_base: provider.url }),
    ]);
  });

  afterEach(async () => {
    await closeApplications();
    await provider.stop();
    removeTemporaryFolders();
  });

  const EVENTS = { 'content-type': 'text/event-stream' };
  const chunk = (content: string): string =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;

  it.each(['gpt', 'claude'])('of %s may not be one event of 20 MB', async (model) => {
    provider.reply(200, `data: {"a":"${'x'.repeat(20 * MB)}"}\n\ndata: [DONE]\n\n`, EVENTS);

    const { text } = await gateway.post(CHAT, { ...hello(model), stream: true });

    expect(text).toContain('"error"');
    expect(text).not.toContain('[DONE]');
    expect(text.length).toBeLessThan(MB);
  });

  it.each([
    ['of one line that does not end', `data: ${'x'.repeat(6 * MB)}`],
    ['of many lines', 'data: x\n'.repeat(MB)],
    ['of lines without data', ': x\n'.repeat(2 * MB)],
  ])('may not be an event %s', async (_, content) => {
    provider.reply(200, content, EVENTS);

    const { text } = await gateway.post(CHAT, { ...hello('gpt'), stream: true });

    expect(text).toContain('"error"');
  });

  it('may be a stream of 20 MB', async () => {
    const events = chunk('x'.repeat(100_000)).repeat(200);
    const last = '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}';
    provider.reply(200, `${events}data: ${last}\n\ndata: [DONE]\n\n`, EVENTS);

    const { text } = await gateway.post(CHAT, { ...hello('gpt'), stream: true });

    expect(contentOfEvents(text)).toHaveLength(20_000_000);
    expect(text).toContain('[DONE]');
  });

  it.each([
    ['larger than 20 MB', `{"a":"${'x'.repeat(21 * MB)}"}`],
    ['nested 200 000 deep', `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
  ])('may not be %s', async (_, content) => {
    for (const model of ['gpt', 'claude']) {
      provider.reply(200, content, JSON_TYPE);

      const { status, body } = await gateway.post(CHAT, hello(model));

      expect([status, body.error.code]).toEqual([502, 'provider_error']);
    }
  });

  it('may not be a refusal of 20 MB', async () => {
    provider.reply(400, `{"error":{"message":"${'x'.repeat(20 * MB)}"}}`, JSON_TYPE);

    const { status, text } = await gateway.post(CHAT, hello('gpt'));

    expect(status).toBe(400);
    expect(text.length).toBeLessThan(1_000);
  });
});
