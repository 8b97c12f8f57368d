import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import request from 'supertest';
import { readModelList } from '../../sample-app/src/config/read-model-list';
import { closeApplications } from '../support/application';
import { FakeProvider } from '../support/fake-provider';
import {
  ECHO,
  MASTER_KEY,
  hello,
  modelEntry,
  modelsFile,
  startGateway,
  type Gateway,
} from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

describe('the gateway for clients of OpenAI and LiteLLM', () => {
  let provider: FakeProvider;
  let gateway: Gateway;

  beforeAll(async () => {
    provider = await new FakeProvider('key').start();
    const params = { api_key: 'os.environ/PROVIDER_KEY', api_base: provider.url };
    gateway = await startGateway(new InMemorySecretManager({ MASTER_KEY, PROVIDER_KEY: 'key' }), [
      ECHO,
      modelEntry('team/echo:1', 'echo/offline'),
      modelEntry('claude', 'anthropic/claude', params),
    ]);
  });

  beforeEach(() => void provider.requests.splice(0));

  afterAll(async () => {
    await closeApplications();
    await provider.stop();
    removeTemporaryFolders();
  });

  it.each(['', '/v1'])('serves chat and models below "%s"', async (prefix) => {
    const chat = await gateway.post(`${prefix}/chat/completions`, hello('echo'));
    const models = await gateway.get(`${prefix}/models`);
    const model = await gateway.get(`${prefix}/models/echo`);

    expect(chat.body.choices[0].message.content).toBe('Good day to you');
    expect(models.body.data).toHaveLength(3);
    expect(model.body).toEqual(models.body.data[0]);
  });

  it.each(['team/echo:1', encodeURIComponent('team/echo:1')])(
    'finds the model %s, whose name has a slash',
    async (name) => {
      const { status, body } = await gateway.get(`/v1/models/${name}`);

      expect([status, body.id]).toEqual([200, 'team/echo:1']);
    },
  );

  it('retrieves a model with the OpenAI client', async () => {
    const model = await gateway.client(MASTER_KEY).models.retrieve('team/echo:1');

    expect(model).toMatchObject({ id: 'team/echo:1', object: 'model', owned_by: 'echo' });
  });

  it('answers 404 in the form of OpenAI for a model that is unknown or not permitted', async () => {
    const { key } = await gateway.generate({ models: ['echo', 'removed since'] });

    const names = ['nowhere', 'claude', 'removed since', '__proto__', '..%2f..', 'echo/x'];
    const answers = await Promise.all(names.map((name) => gateway.get(`/v1/models/${name}`, key)));

    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 404));
    for (const { body } of answers) {
      expect(body.error).toMatchObject({
        type: 'invalid_request_error',
        message: expect.any(String),
      });
    }
    expect(answers[1]?.body).toEqual(answers[0]?.body);
    expect(answers[0]?.body.error.code).toBe('model_not_found');
  });

  it('lists no model without a key', async () => {
    const { status } = await request(gateway.url).get('/v1/models/echo');

    expect(status).toBe(401);
  });

  it.each(['', '/live', '/liveness', '/liveliness', '/readiness'])(
    'is healthy at /health%s',
    async (path) => {
      const { status, body } = await request(gateway.url).get(`/health${path}`);

      expect([status, body.status]).toEqual([200, 'ok']);
    },
  );

  it.each<[string, () => request.Test, number]>([
    ['a completion', () => gateway.post('/v1/chat/completions', hello('echo')), 200],
    ['a stream', () => gateway.post('/chat/completions', { ...hello('echo'), stream: true }), 200],
    ['a refusal', () => gateway.get('/v1/models', 'sk-nobody-0123456789'), 401],
    ['a key', () => gateway.post('/key/generate', {}), 200],
    ['another route', () => gateway.get('/nowhere'), 404],
    ['a body that is no JSON', () => gateway.post('/v1/chat/completions', '{"model"'), 400],
    ['health', () => gateway.get('/health/liveliness'), 200],
    ['the status page', () => gateway.get('/'), 200],
  ])('returns a request id to %s: that of the caller, or a new one', async (_, ask, status) => {
    const own = await ask().set('x-request-id', 'trace:4b.2/a');
    const made = [
      await ask(),
      await ask().set('x-request-id', 'two words'),
      await ask().set('x-request-id', 'x'.repeat(200)),
    ];

    expect(own.status).toBe(status);
    expect(own.headers['x-request-id']).toBe('trace:4b.2/a');
    for (const { headers } of made) expect(headers['x-request-id']).toMatch(UUID);
    expect(new Set(made.map(({ headers }) => headers['x-request-id'])).size).toBe(3);
  });

  it('logs the id of a request that failed', async () => {
    provider.reply(500, '{}');

    await gateway.post('/v1/chat/completions', hello('claude')).set('x-request-id', 'trace-77');

    expect(gateway.log.warnings.join('\n')).toContain('trace-77');
  });

  it('waits ten minutes for a provider by default', () => {
    const entries = [
      modelEntry('a', 'openai/gpt', { api_base: provider.url }),
      modelEntry('b', 'openai/gpt', { api_base: provider.url, timeout: 30 }),
    ];

    const { models } = readModelList(modelsFile(entries));

    expect(models.map(({ timeoutMs }) => timeoutMs)).toEqual([600_000, 30_000]);
  });

  it.each<[string, unknown]>([
    ['tool_choice', 'auto'],
    ['tool_choice', 'required'],
    ['tool_choice', { type: 'function', function: { name: 'f' } }],
    ['seed', 1],
    ['seed', 0],
    ['tools', [{ type: 'function', function: { name: 'f' } }]],
    ['functions', [{ name: 'f' }]],
    ['function_call', { name: 'f' }],
    ['n', 2],
    ['logprobs', true],
    ['top_logprobs', 2],
    ['frequency_penalty', 0.5],
    ['presence_penalty', -1],
    ['logit_bias', { 50: -100 }],
    ['response_format', { type: 'json_object' }],
    ['modalities', ['text', 'audio']],
    ['audio', { voice: 'alloy' }],
    ['reasoning_effort', 'high'],
    ['store', true],
    ['service_tier', 'priority'],
    ['prediction', { type: 'content', content: 'x' }],
    ['web_search_options', {}],
    ['a_field_of_tomorrow', 1],
    ['constructor_', false],
  ])('refuses %s = %j for Anthropic, and names it', async (param, value) => {
    const content = { ...hello('claude'), [param]: value };

    const { status, body } = await gateway.post('/v1/chat/completions', content);

    expect([status, body.error.param, body.error.code]).toEqual([
      400,
      param,
      'unsupported_parameter',
    ]);
    expect(body.error.message).toContain(param);
    expect(provider.requests).toEqual([]);
  });

  it.each<object>([
    { role: 'assistant', content: null, tool_calls: [{ id: '1' }] },
    { role: 'assistant', content: 'x', function_call: { name: 'f' } },
    { role: 'user', content: 'x', name: 'Ada' },
    { role: 'function', name: 'f', content: 'x' },
  ])('refuses the message %j for Anthropic', async (message) => {
    const content = { model: 'claude', messages: [message] };

    const { status, body } = await gateway.post('/v1/chat/completions', content);

    expect([status, body.error.param]).toEqual([400, 'messages']);
  });

  it('accepts harmless fields for Anthropic', async () => {
    const harmless = {
      n: 1,
      logprobs: false,
      top_logprobs: null,
      frequency_penalty: 0,
      presence_penalty: 0,
      logit_bias: {},
      stream_options: { include_usage: true },
      user: 'somebody',
      metadata: { a: 'b' },
      store: false,
      tools: [],
      functions: [],
      tool_choice: 'none',
      parallel_tool_calls: true,
      response_format: { type: 'text' },
      modalities: ['text'],
      service_tier: 'auto',
      seed: null,
      stop: null,
      max_tokens: null,
    };
    const messages = [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: 'y', refusal: null, annotations: [], tool_calls: null },
      { role: 'user', content: 'z', name: '' },
    ];

    await gateway
      .post('/v1/chat/completions', { model: 'claude', messages, ...harmless })
      .expect(200);

    expect(Object.keys(provider.requests[0]?.content ?? {}).sort()).toEqual([
      'max_tokens',
      'messages',
      'model',
    ]);
  });
});
