import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { join } from 'node:path';
import { readModelList } from '../../sample-app/src/config/read-model-list';
import { closeApplications } from '../support/application';
import { failureOf } from '../support/failure-of';
import { ECHO, MASTER_KEY, modelEntry, modelsFile, startGateway } from '../support/gateway';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

describe("the gateway's list of models", () => {
  afterEach(async () => {
    await closeApplications();
    removeTemporaryFolders();
  });

  it('is the shipped one by default', () => {
    const { models } = readModelList(join(__dirname, '../../sample-app/models.json'));

    expect(models).toMatchObject([{ name: 'echo', provider: 'echo' }]);
  });

  it("has the form of LiteLLM's", () => {
    const api_key = 'os.environ/OPENAI_API_KEY';
    const entry = modelEntry('llama', 'openai/meta/llama', {
      api_key,
      api_base: 'http://gpu:8000/v1/',
      timeout: 5,
    });

    const { models, secretNames } = readModelList(modelsFile([entry, ECHO]));

    expect(models[0]).toEqual({
      name: 'llama',
      provider: 'openai',
      upstreamModel: 'meta/llama',
      apiKey: api_key,
      apiBase: 'http://gpu:8000/v1',
      timeoutMs: 5_000,
    });
    expect(secretNames).toEqual([api_key]);
  });

  it('is refused with every problem, and without a key', () => {
    const path = modelsFile([
      ECHO,
      ECHO,
      modelEntry('', 'mistral/large'),
      modelEntry('a', 'openai/gpt', { api_key: 'sk-canary' }),
      modelEntry('b', 'openai/gpt'),
      modelEntry('c', 'anthropic/claude', { api_base: 'nowhere', timeout: 0, rpm: 5 }),
      { model_name: 'd' },
      'e',
      { model_name: 5, litellm_params: { model: 5, api_base: 5 } },
    ]);

    let message = '';
    try {
      readModelList(path);
    } catch (error) {
      ({ message } = error as Error);
    }

    expect(message.split('\n')).toEqual([
      `${path} is not right:`,
      '- model_list[1].model_name is there before',
      expect.stringContaining('- model_list[2]: model_name must be longer'),
      '- model_list[2].litellm_params: model must be one of "openai/...", "anthropic/...", "echo/..."',
      '- model_list[3].litellm_params: api_key must be "os.environ/NAME": the key itself belongs in the secret store',
      '- model_list[4].litellm_params: api_key is missing, as "os.environ/NAME"',
      '- model_list[5].litellm_params: property rpm should not exist',
      expect.stringContaining('- model_list[5].litellm_params: api_base must be an address'),
      expect.stringContaining('- model_list[5].litellm_params: timeout must be'),
      expect.stringContaining('- model_list[6].litellm_params: model must be'),
      '- model_list[7]: must be an object',
      expect.stringContaining('- model_list[7].litellm_params: model must be'),
      expect.stringContaining('- model_list[8]: model_name must be'),
      expect.stringContaining('- model_list[8].litellm_params: model must be'),
      expect.stringContaining('- model_list[8].litellm_params: api_base must be'),
    ]);
    expect(message).not.toContain('canary');
  });

  it.each([
    ['{"model_list": ', 'it is not valid JSON'],
    ['{}', 'model_list must be a list of models'],
    ['null', 'model_list must be a list of models'],
    ['{"model_list": []}', 'model_list must be a list of models'],
  ])('is refused if it is %s', (content, problem) => {
    const path = modelsFile(content);

    expect(() => readModelList(path)).toThrow(`${path} is not right:\n- ${problem}`);
  });

  it('is refused if it is missing', () => {
    const path = join(temporaryFolder(), 'none.json');

    expect(() => readModelList(path)).toThrow(
      `${path} is not right:\n- it cannot be read (ENOENT)`,
    );
  });

  it('prevents the start without its keys, and the error names all', async () => {
    const entries = ['ONE', 'OTHER'].map((name) =>
      modelEntry(name, 'openai/gpt', { api_key: `os.environ/${name}` }),
    );

    const failure = await failureOf(
      startGateway(new InMemorySecretManager({ MASTER_KEY }), entries),
    );

    expect(failure.code).toBe('NOT_FOUND');
    expect(failure.message).toMatch(/"ONE".*"OTHER"/s);
  });

  it('is useless without a master key, and the error names it', async () => {
    const failure = await failureOf(startGateway(new InMemorySecretManager()));

    expect(failure).toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('"MASTER_KEY"'),
    });
  });
});
