import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import OpenAI from 'openai';
import { closeApplications } from '../support/application';
import { leaks } from '../support/failure-of';
import { FakeProvider, OPENAI_BEGINNING } from '../support/fake-provider';
import {
  ECHO,
  MASTER_KEY,
  hello,
  modelEntry,
  startGateway,
  type Gateway,
} from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';

const PROVIDER_KEY = 'sk-canary-9d2c7a41-zq4x';

describe('a chat request', () => {
  let provider: FakeProvider;
  let store: InMemorySecretManager;
  let gateway: Gateway;
  let client: OpenAI;

  beforeEach(async () => {
    provider = await new FakeProvider(PROVIDER_KEY).start();
    store = new InMemorySecretManager({ MASTER_KEY, PROVIDER_KEY });
    const api_key = 'os.environ/PROVIDER_KEY';
    gateway = await startGateway(store, [
      ECHO,
      modelEntry('gpt', 'openai/gpt-4.1', { api_key, api_base: `${provider.url}/v1/` }),
      modelEntry('claude', 'anthropic/claude-4', { api_key, api_base: provider.url }),
      modelEntry('own', 'openai/own', { api_base: `${provider.url}/v1` }),
      modelEntry('hasty', 'openai/gpt', { api_key, api_base: `${provider.url}/v1`, timeout: 0.05 }),
    ]);
    client = gateway.client((await gateway.generate()).key);
  });

  afterEach(async () => {
    await closeApplications();
    await provider.stop();
    removeTemporaryFolders();
  });

  const failure = async (call: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> => {
    const thrown: unknown = await call.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (thrown instanceof OpenAI.APIError) return thrown;
    throw new Error('it did not fail as the client knows it', { cause: thrown });
  };

  const textOfStream = async (
    model: string,
  ): Promise<{ text: string; reason: unknown; tokens: unknown }> => {
    const stream = await client.chat.completions.create({
      ...hello(model),
      stream: true,
      stream_options: { include_usage: true },
    });
    const seen = { text: '', reason: undefined as unknown, tokens: undefined as unknown };
    for await (const { choices, usage } of stream) {
      seen.text += choices[0]?.delta.content ?? '';
      seen.reason = choices[0]?.finish_reason ?? seen.reason;
      seen.tokens = usage?.total_tokens ?? seen.tokens;
    }
    return seen;
  };

  it.each([
    ['echo', 'Good day to you', 'stop', 8],
    ['gpt', 'Good day', 'stop', 3],
    ['claude', 'Good day', 'stop', 7],
  ])('to %s is answered', async (model, text, reason, tokens) => {
    const { object, choices, usage } = await client.chat.completions.create(hello(model));

    expect(object).toBe('chat.completion');
    expect(choices[0]).toMatchObject({
      message: { role: 'assistant', content: text },
      finish_reason: reason,
    });
    expect(usage?.total_tokens).toBe(tokens);
  });

  it.each([
    ['echo', { text: 'Good day to you', reason: 'stop', tokens: 8 }],
    ['gpt', { text: 'Good day', reason: 'stop', tokens: undefined }],
    ['claude', { text: 'Good day', reason: 'length', tokens: 7 }],
  ])('to %s is answered as a stream', async (model, expected) => {
    const seen = await textOfStream(model);

    expect(seen).toEqual(expected);
  });

  it('ends a stream like OpenAI', async () => {
    const { headers, text } = await gateway.post('/v1/chat/completions', {
      ...hello('gpt'),
      stream: true,
    });

    expect(headers['content-type']).toBe('text/event-stream');
    expect(text.endsWith('\n\ndata: [DONE]\n\n')).toBe(true);
  });

  it("reaches OpenAI with every field, and with OpenAI's name of the model", async () => {
    const content = { ...hello('gpt'), temperature: 0.5, tools: [{ type: 'function' }] };

    await gateway.post('/v1/chat/completions', content).expect(200);

    expect(provider.requests).toEqual([
      {
        path: '/v1/chat/completions',
        key: PROVIDER_KEY,
        content: { ...content, model: 'gpt-4.1' },
      },
    ]);
  });

  it('reaches Anthropic in the form of Anthropic', async () => {
    await client.chat.completions.create({
      model: 'claude',
      messages: [
        { role: 'system', content: 'Be kind.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Good ' },
            { type: 'text', text: 'day' },
          ],
        },
        { role: 'assistant', content: 'Hello' },
        { role: 'user', content: 'How are you?' },
      ],
      temperature: 0.5,
      stop: 'END',
    });

    expect(provider.requests).toEqual([
      {
        path: '/v1/messages',
        key: PROVIDER_KEY,
        content: {
          model: 'claude-4',
          system: 'Be kind.',
          messages: [
            { role: 'user', content: 'Good day' },
            { role: 'assistant', content: 'Hello' },
            { role: 'user', content: 'How are you?' },
          ],
          max_tokens: 4_096,
          temperature: 0.5,
          stop_sequences: ['END'],
        },
      },
    ]);
  });

  it.each([
    ['tools', { tools: [{ type: 'function' }] }],
    ['n', { n: 2 }],
    ['messages', { messages: [{ role: 'tool', content: 'x' }] }],
    ['messages', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }],
  ])('is not sent to Anthropic without its %s', async (param, content) => {
    const { status, body } = await gateway.post('/v1/chat/completions', {
      ...hello('claude'),
      ...content,
    });

    expect([status, body.error.param]).toEqual([400, param]);
    expect(provider.requests).toEqual([]);
  });

  it('reaches your own server without a key', async () => {
    provider.key = '';

    const { choices } = await client.chat.completions.create(hello('own'));

    expect(choices[0]?.message.content).toBe('Good day');
  });

  it.each([
    [401, false],
    [401, true],
    [403, false],
    [403, true],
  ])('is retried with a rotated key after a %d (stream: %s)', async (status, stream) => {
    provider.refusal = status;
    await gateway.post('/v1/chat/completions', hello('gpt')).expect(200);
    store.rotate('PROVIDER_KEY', 'the next key');
    provider.key = 'the next key';

    const { text } = await gateway
      .post('/v1/chat/completions', { ...hello('gpt'), stream })
      .expect(200);

    expect(text).toContain('Good ');
    expect(provider.requests.map(({ key }) => key)).toEqual([
      PROVIDER_KEY,
      PROVIDER_KEY,
      'the next key',
    ]);
  });

  it('asks the store once for a rotated key of concurrent requests', async () => {
    store.rotate('PROVIDER_KEY', 'the next key');
    provider.key = 'the next key';
    const callsBefore = store.calls.length;

    const answers = await Promise.all(
      Array.from({ length: 20 }, () => gateway.post('/v1/chat/completions', hello('gpt'))),
    );

    const reads = store.calls
      .slice(callsBefore)
      .filter(({ secretName }) => secretName === 'PROVIDER_KEY');
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(reads.length).toBeLessThan(answers.length);
  });

  it.each([
    ['gpt', 401],
    ['gpt', 403],
    ['claude', 401],
    ['claude', 403],
  ])(
    'to %s fails if its next key is refused with %d as well, and discloses no key',
    async (model, status) => {
      provider.refusal = status;
      provider.key = 'another key';
      await gateway.post('/v1/chat/completions', hello(model)).expect(502);
      provider.requests.length = 0;
      store.rotate('PROVIDER_KEY', 'the next key');

      const error = await failure(client.chat.completions.create(hello(model)));

      expect(error).toMatchObject({ status: 502, code: 'provider_error' });
      expect(provider.requests).toHaveLength(2);
      expect(leaks(JSON.stringify(error.error) + gateway.log.lines.join(), PROVIDER_KEY)).toBe(
        false,
      );
    },
  );

  it('is sent once if the store has no other key than the refused one', async () => {
    provider.key = 'another key';

    const { status } = await gateway.post('/v1/chat/completions', hello('gpt'));

    expect(status).toBe(502);
    expect(provider.requests).toHaveLength(1);
  });

  it.each([
    [400, 400, 'about the request'],
    [404, 404, 'about the request'],
    [500, 502, undefined],
    [302, 502, undefined],
  ])('that the provider refuses with %i fails with %i', async (given, status, told) => {
    provider.reply(given, JSON.stringify({ error: { message: 'about the request', type: 'x' } }));

    const error = await failure(client.chat.completions.create(hello('gpt')));

    expect(error.status).toBe(status);
    expect(error.message.includes('about the request')).toBe(told !== undefined);
  });

  it('does not pass on an answer that quotes the key', async () => {
    provider.reply(400, JSON.stringify({ error: { message: `bad: ${PROVIDER_KEY}` } }));

    const error = await failure(client.chat.completions.create(hello('gpt')));

    expect(error.status).toBe(400);
    expect(leaks(JSON.stringify(error.error), PROVIDER_KEY)).toBe(false);
  });

  it('passes on the delay that the provider asks for', async () => {
    provider.reply(429, '{}', { 'retry-after': '7' });

    const { status, headers, body } = await gateway.post('/v1/chat/completions', hello('gpt'));

    expect([status, headers['retry-after'], body.error.type]).toEqual([
      429,
      '7',
      'rate_limit_error',
    ]);
  });

  it('times out if the provider is silent', async () => {
    void provider.hang();

    const error = await failure(client.chat.completions.create(hello('hasty')));

    expect(error.status).toBe(504);
  });

  it('fails if the provider returns no JSON, or is unreachable', async () => {
    provider.reply(200, '<html>');
    const nonsense = await failure(client.chat.completions.create(hello('gpt')));
    await provider.stop();
    const nothing = await failure(client.chat.completions.create(hello('gpt')));
    await provider.start();

    expect([nonsense.status, nothing.status]).toEqual([502, 502]);
  });

  it.each([false, true])(
    'is aborted at the provider when the caller leaves (stream: %s)',
    async (stream) => {
      const leaving = new AbortController();
      const left = provider.hang(stream ? OPENAI_BEGINNING : undefined);
      const asked = client.chat.completions.create(
        { ...hello('gpt'), stream },
        { signal: leaving.signal },
      );
      if (stream) await asked;
      else await untilAsked(provider);

      leaving.abort();
      await asked.catch(() => undefined);

      await expect(left).resolves.toBeUndefined();
    },
  );

  it('reports a broken stream as an event, without a `[DONE]`', async () => {
    provider.breakOff(OPENAI_BEGINNING);
    const { text } = await gateway.post('/v1/chat/completions', { ...hello('gpt'), stream: true });
    provider.breakOff(OPENAI_BEGINNING);
    const error = await failure(textOfStream('gpt'));

    expect(text).toContain('"content":"Good "');
    expect(text).not.toContain('[DONE]');
    expect(error.message).toContain('The provider broke off.');
  });

  it.each([
    ['model', { model: undefined }],
    ['messages', { messages: [] }],
    ['messages', { messages: 'hello' }],
    ['messages', { messages: ['hello'] }],
    ['messages', { messages: undefined, constructor: {} }],
    ['stream', { stream: 'yes' }],
  ])('without a valid %s is refused', async (param, content) => {
    const { status, body } = await gateway.post('/v1/chat/completions', {
      ...hello('echo'),
      ...content,
    });

    expect(status).toBe(400);
    expect(body.error).toMatchObject({ type: 'invalid_request_error', param });
  });

  it('is refused if its body is a list', async () => {
    const { status } = await gateway.post('/v1/chat/completions', [1, 2]);

    expect(status).toBe(400);
  });
});

describe('the list of models', () => {
  let gateway: Gateway;

  beforeEach(async () => {
    const store = new InMemorySecretManager({ MASTER_KEY });
    gateway = await startGateway(store, [ECHO, modelEntry('other', 'echo/other')]);
  });

  afterEach(async () => {
    await closeApplications();
    removeTemporaryFolders();
  });

  const namesFor = async (apiKey: string): Promise<string[]> => {
    const { data } = await gateway.client(apiKey).models.list();
    return data.map(({ id }) => id);
  };

  it('depends on the key of the caller', async () => {
    const all = await gateway.generate();
    const one = await gateway.generate({ models: ['other', 'removed since'] });

    const names = [await namesFor(all.key), await namesFor(one.key), await namesFor(MASTER_KEY)];

    expect(names).toEqual([['echo', 'other'], ['other'], ['echo', 'other']]);
  });

  it.each([
    ['other', 200, undefined],
    ['echo', 403, 'model_not_allowed'],
    ['removed since', 404, 'model_not_found'],
  ])('limits a request to %s', async (model, status, code) => {
    const { key } = await gateway.generate({ models: ['other', 'removed since'] });

    const answer = await gateway.post('/v1/chat/completions', hello(model), key);

    expect(answer.status).toBe(status);
    expect(answer.body.error?.code).toBe(code);
  });

  it.each(['', 'sk-of-nobody-at-all-1', 'nonsense'])(
    'is refused with the key "%s"',
    async (key) => {
      const answers = [
        await gateway.get('/v1/models', key),
        await gateway.post('/v1/chat/completions', hello('echo'), key),
      ];

      expect(answers.map(({ status }) => status)).toEqual([401, 401]);
      expect(answers[0]?.body.error).toMatchObject({
        type: 'authentication_error',
        code: 'invalid_api_key',
      });
    },
  );
});

async function untilAsked(provider: FakeProvider): Promise<void> {
  while (provider.requests.length === 0) await new Promise(setImmediate);
}
