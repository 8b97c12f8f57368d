import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { closeApplications } from '../support/application';
import { leaks } from '../support/failure-of';
import { MASTER_KEY, hello, modelEntry, startGateway, type Gateway } from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';

interface ChunkOrError {
  readonly choices?: readonly { readonly delta: { role?: string; content?: string } }[];
}

const PROVIDER_KEY = 'sk-canary/9d2c+7a41"zq4x';
const EVENTS = { 'content-type': 'text/event-stream' };

function chunk(delta: object, finish_reason: string | null = null, index = 0): object {
  const choices = [{ index, delta, finish_reason }];
  return { id: '1', object: 'chat.completion.chunk', created: 1, model: 'gpt', choices };
}

const event = (content: object): string => `data: ${JSON.stringify(content)}\n\n`;
const TEXT = event(chunk({ role: 'assistant', content: 'Good' }));
const END = event(chunk({}, 'stop'));
const DONE = 'data: [DONE]\n\n';

describe('a stream of a provider', () => {
  let provider: Server;
  let answer: (response: ServerResponse) => void;
  let gateway: Gateway;

  beforeEach(async () => {
    provider = createServer((request, response) => {
      request.resume().on('end', () => answer(response));
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
    const api_key = 'os.environ/PROVIDER_KEY';
    gateway = await startGateway(new InMemorySecretManager({ MASTER_KEY, PROVIDER_KEY }), [
      modelEntry('gpt', 'openai/gpt', { api_key, api_base: url }),
      modelEntry('claude', 'anthropic/claude', { api_key, api_base: url }),
    ]);
  });

  afterEach(async () => {
    await closeApplications();
    provider.closeAllConnections();
    provider.close();
    removeTemporaryFolders();
  });

  /** Answers with the given pieces, each in its own packet. */
  const answerWith = (pieces: readonly (string | Buffer)[], headers: object = EVENTS): void => {
    answer = (response) => {
      response.writeHead(200, { ...headers });
      const write = ([piece, ...rest]: readonly (string | Buffer)[]): void => {
        if (piece === undefined) response.end();
        else response.write(piece, () => setTimeout(write, 2, rest));
      };
      write(pieces);
    };
  };

  const ask = (model = 'gpt'): ReturnType<Gateway['post']> =>
    gateway.post('/v1/chat/completions', { ...hello(model), stream: true });

  const chunksOf = (text: string): ChunkOrError[] =>
    text
      .split('\n\n')
      .filter((line) => line.startsWith('data: {'))
      .map((line) => JSON.parse(line.slice(6)) as ChunkOrError);

  const textOf = (text: string): string =>
    chunksOf(text)
      .map(({ choices }) => choices?.[0]?.delta.content ?? '')
      .join('');

  it('has the role only in the first chunk of each choice', async () => {
    answerWith([
      event(chunk({ role: 'assistant', content: 'a' })),
      event(chunk({ role: 'assistant', content: 'b' }, null, 1)),
      event(chunk({ role: 'assistant', content: 'c' }, 'stop')),
      event(chunk({ role: 'assistant', content: 'd' }, 'stop', 1)),
      DONE,
    ]);

    const { text } = await ask();

    const roles = chunksOf(text).map(({ choices }) => choices?.[0]?.delta.role);
    expect(roles).toEqual(['assistant', 'assistant', undefined, undefined]);
  });

  it('gets a role if the provider sends none', async () => {
    answerWith([event(chunk({ content: 'Good' })), END, DONE]);

    const { text } = await ask();

    expect(chunksOf(text).map(({ choices }) => choices?.[0]?.delta)).toEqual([
      { role: 'assistant', content: 'Good' },
      {},
    ]);
  });

  it('becomes one message with the helper of the OpenAI client', async () => {
    answerWith([TEXT, event(chunk({ role: 'assistant', content: ' day' })), END, DONE]);

    const message = await gateway
      .client(MASTER_KEY)
      .chat.completions.stream(hello('gpt'))
      .finalMessage();

    expect(message).toMatchObject({ role: 'assistant', content: 'Good day' });
  });

  it.each<[string, readonly string[]]>([
    ['CRLF', [TEXT.replaceAll('\n', '\r\n'), END.replaceAll('\n', '\r\n'), 'data: [DONE]\r\n\r\n']],
    ['CR and LF in different packets', [`${TEXT.trim()}\r`, '\n\r', '\n', END, DONE]],
    ['comments and other fields', [': hi\n\n', `id: 1\nevent: x\nretry: 1\n${TEXT}`, END, DONE]],
    ['no space after the colon', [TEXT, END, DONE].map((each) => each.replace('data: ', 'data:'))],
    ['several lines of data', [TEXT.replace('"choices"', '\ndata: "choices"'), END, DONE]],
    ['a byte order mark', [`\uFEFF${TEXT}`, END, DONE]],
    ['no empty line at the end', [TEXT, END, 'data: [DONE]']],
    ['everything in one packet', [TEXT + END + DONE]],
    ['one packet for each character', [...(TEXT + END + DONE)]],
  ])('is read with %s', async (_, pieces) => {
    answerWith(pieces);

    const { text } = await ask();

    expect(textOf(text)).toBe('Good');
    expect(text.endsWith(DONE)).toBe(true);
  });

  it('keeps characters whose bytes are split over packets', async () => {
    const content = 'Grüße 秘密 🔑';
    const bytes = Buffer.from(event(chunk({ content })));
    answerWith([...[...bytes].map((byte) => Buffer.of(byte)), END, DONE]);

    const { text } = await ask();

    expect(textOf(text)).toBe(content);
  });

  it('passes on the chunk with the usage', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    answerWith([TEXT, END, event({ ...chunk({}), choices: [], usage }), DONE]);

    const { text } = await ask();

    expect(chunksOf(text).at(-1)).toMatchObject({ choices: [], usage });
  });

  it.each<[string, readonly string[]]>([
    ['without [DONE]', [TEXT, END]],
    ['without finish_reason', [TEXT, DONE]],
    ['without either', [TEXT]],
    ['with one of two choices unfinished', [TEXT, event(chunk({}, 'stop', 1)), DONE]],
    ['in the middle of an event', [TEXT, END, TEXT.slice(0, 30)]],
    ['with something else than JSON', [TEXT, 'data: <html>\n\n']],
    ['with an error', [TEXT, event({ error: { message: 'I am overloaded.', type: 'x' } }), DONE]],
  ])('that ends %s is an error event, and no success', async (_, pieces) => {
    answerWith(pieces);

    const { status, text } = await ask();
    const thrown = await finished(gateway.client(MASTER_KEY));

    expect(status).toBe(200);
    expect(text).not.toContain('[DONE]');
    expect(chunksOf(text).at(-1)).toMatchObject({ error: { message: expect.any(String) } });
    expect(thrown).toBeInstanceOf(OpenAI.APIError);
    expect(gateway.log.warnings.join('\n')).toMatch(
      /A stream broke off: model "gpt": .+ \(request /,
    );
    expect(gateway.log.lines.join('\n')).not.toMatch(/overloaded|html|Good/);
  });

  it.each<[string, readonly string[], object]>([
    ['HTML', ['<html><body>Sign in</body></html>'], { 'content-type': 'text/html' }],
    ['HTML called a stream', ['<html>\n\n<body>data: x</body></html>'], EVENTS],
    ['JSON', [JSON.stringify({ choices: [] })], { 'content-type': 'application/json' }],
    ['JSON without a type', [JSON.stringify({ choices: [] })], {}],
    ['an error as JSON', ['{"error":{"message":"no"}}'], { 'content-type': 'application/json' }],
    ['nothing', [], EVENTS],
    ['only [DONE]', [DONE], EVENTS],
    ['only comments', [': one\n\n: two\n\n'], EVENTS],
    ['only an error', [event({ error: { message: 'Overloaded.', code: 'busy' } })], EVENTS],
    ['a list', ['data: [1, 2]\n\n'], EVENTS],
    ['null', ['data: null\n\n'], EVENTS],
  ])('that is %s fails before the first byte', async (_, pieces, headers) => {
    for (const model of ['gpt', 'claude']) {
      answerWith(pieces, headers);

      const { status, body, headers: received } = await ask(model);

      expect(status).toBe(502);
      expect(received['content-type']).toContain('application/json');
      expect(body.error).toMatchObject({ type: expect.any(String), message: expect.any(String) });
      expect(gateway.log.warnings.at(-1)).toContain(`A request failed: model "${model}": `);
    }
    expect(gateway.log.lines.join('\n')).not.toMatch(/Sign in|Overloaded/);
  });

  it.each([
    '',
    '{}',
    'null',
    '[]',
    '"text"',
    '{"choices":[]}',
    '{"error":{"message":"no"}}',
    '{"id',
  ])('is an error if it is the whole answer %j', async (body) => {
    for (const model of ['gpt', 'claude']) {
      answerWith([body], { 'content-type': 'application/json' });

      const { status } = await gateway.post('/v1/chat/completions', hello(model));

      expect(status).toBe(502);
    }
  });

  it.each<[string, readonly object[]]>([
    ['without message_stop', [{ type: 'content_block_delta', delta: { text: 'Good' } }]],
    [
      'with an error',
      [
        { type: 'content_block_delta', delta: { text: 'Good' } },
        { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
      ],
    ],
    [
      'without a reason',
      [{ type: 'content_block_delta', delta: { text: 'Good' } }, { type: 'message_stop' }],
    ],
  ])('of Anthropic that ends %s is an error', async (_, events) => {
    answerWith(events.map(event));

    const { text } = await ask('claude');

    expect(textOf(text)).toBe('Good');
    expect(text).not.toContain('[DONE]');
    expect(chunksOf(text).at(-1)).toHaveProperty('error.message');
  });

  it('discloses no key that is spread over its chunks', async () => {
    for (const size of [1, 3, 7, 8, 40]) {
      const echoed = `It is ${PROVIDER_KEY}, I think. ${PROVIDER_KEY}`;
      const parts = echoed.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      answerWith([parts.map((content) => event(chunk({ content }))).join(''), END, DONE]);

      const { text } = await ask();

      expect(leaks(textOf(text), PROVIDER_KEY)).toBe(false);
      expect(textOf(text)).toMatch(/^It is .*\[redacted\], I think\. .*\[redacted\]$/);
    }
  });

  it('leaves a text without a key unchanged', async () => {
    const parts = ['sk-', 'can', 'ary', ' and ', 'zq4', 'x', ' are', ' words'];
    answerWith([...parts.map((content) => event(chunk({ content }))), END, DONE]);

    const { text } = await ask();

    // the key has eight consecutive characters here, "sk-canar"; the rest is no part of it
    expect(textOf(text)).toBe('sk-can[redacted] and zq4x are words');
  });

  async function finished(client: OpenAI): Promise<unknown> {
    try {
      const stream = await client.chat.completions.create({ ...hello('gpt'), stream: true });
      for await (const each of stream) void each;
      return undefined;
    } catch (error) {
      return error;
    }
  }
});
