import OpenAI from 'openai';
import { FakeProvider } from '../support/fake-provider';
import { ECHO, hello, modelEntry, modelsFile } from '../support/gateway';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';
import { SampleProcess } from './support/sample-process';

/** The short form of `npm run gateway:clients`, which also tries clients that need an installation. */
describe('the OpenAI client at the gateway', () => {
  let provider: FakeProvider;
  let gateway: SampleProcess;
  let key: string;

  beforeAll(async () => {
    provider = await new FakeProvider('sk-of-the-fake-provider').start();
    const api_key = 'os.environ/PROVIDER_KEY';
    gateway = await new SampleProcess({
      DATA_DIR: temporaryFolder(),
      PROVIDER_KEY: provider.key,
      MODELS_FILE: modelsFile([
        ECHO,
        modelEntry('gpt', 'openai/gpt', { api_key, api_base: `${provider.url}/v1` }),
        modelEntry('claude', 'anthropic/claude', { api_key, api_base: provider.url }),
      ]),
    }).listens();
    key = await gateway.generate(await gateway.masterKey());
  });

  afterAll(async () => {
    gateway.kill('SIGKILL');
    await gateway.ends();
    await provider.stop();
    removeTemporaryFolders();
  });

  const client = (prefix: string, apiKey = key): OpenAI =>
    new OpenAI({ apiKey, baseURL: gateway.url + prefix, maxRetries: 0 });

  describe.each(['/v1', ''])('below "%s"', (prefix) => {
    it.each([
      ['echo', 'Good day to you'],
      ['gpt', 'Good day'],
      ['claude', 'Good day'],
    ])('gets whole answers and streams of %s', async (model, text) => {
      const { completions } = client(prefix).chat;

      const whole = await completions.create(hello(model));
      const streamed = await completions.stream(hello(model)).finalMessage();

      expect(whole.choices[0]?.message).toMatchObject({ role: 'assistant', content: text });
      expect(streamed).toMatchObject({ role: 'assistant', content: text });
    });

    it('lists and retrieves models', async () => {
      const { models } = client(prefix);

      const { data } = await models.list();
      const model = await models.retrieve('gpt');

      expect(data.map(({ id }) => id)).toEqual(['echo', 'gpt', 'claude']);
      expect(model).toEqual(data[1]);
    });

    it('gets errors of its own classes', async () => {
      const calls = [
        client(prefix, `${key}x`).chat.completions.create(hello('echo')),
        client(prefix).chat.completions.create(hello('nowhere')),
        client(prefix).models.retrieve('nowhere'),
        client(prefix).chat.completions.create({ ...hello('claude'), seed: 1 }),
      ];

      const outcomes = await Promise.allSettled(calls);

      expect(outcomes).toMatchObject([
        { reason: { status: 401, code: 'invalid_api_key' } },
        { reason: { status: 404, code: 'model_not_found' } },
        { reason: { status: 404, code: 'model_not_found' } },
        { reason: { status: 400, param: 'seed' } },
      ]);
      for (const { reason } of outcomes as PromiseRejectedResult[]) {
        expect(reason).toBeInstanceOf(OpenAI.APIError);
        expect(reason.requestID).toEqual(expect.any(String));
      }
    });
  });
});
