import { randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { leaks } from '../support/failure-of';
import { FakeProvider } from '../support/fake-provider';
import { ECHO, hello, modelEntry, modelsFile } from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';
import { eventually } from './support/eventually';
import { GATEWAY_STORES, type GatewayStore } from './support/gateway-stores';
import { SampleProcess } from './support/sample-process';

const CLIENTS = 8;
const ROTATIONS = 5;

describe.each(Object.entries(GATEWAY_STORES))('the gateway on %s', (name, startStore) => {
  const masterKey = `sk-${randomUUID()}`;
  const providerKeys = [`sk-${randomUUID()}`];
  let store: GatewayStore;
  let provider: FakeProvider;
  let gateway: SampleProcess;

  beforeAll(async () => {
    store = await startStore();
    provider = await new FakeProvider(providerKeys[0] ?? '').start();
    await store.put('MASTER_KEY', masterKey);
    await store.put('PROVIDER_KEY', provider.key);
    const api_key = 'os.environ/PROVIDER_KEY';
    const MODELS_FILE = modelsFile([
      ECHO,
      modelEntry('gpt', 'openai/gpt', { api_key, api_base: `${provider.url}/v1` }),
      modelEntry('claude', 'anthropic/claude', { api_key, api_base: provider.url }),
    ]);
    gateway = await new SampleProcess({ ...store.environment, MODELS_FILE }).listens();
  });

  afterAll(async () => {
    gateway.kill('SIGKILL');
    await gateway.ends();
    await provider.stop();
    await store.stop();
    removeTemporaryFolders();
  });

  const clientOf = (apiKey: string): OpenAI =>
    new OpenAI({ apiKey, baseURL: `${gateway.url}/v1`, maxRetries: 0 });

  const statusOf = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      () => 200,
      (error: { status?: number }) => error.status,
    );

  const complete = (client: OpenAI, model = 'gpt'): Promise<OpenAI.ChatCompletion> =>
    client.chat.completions.create(hello(model));

  const textOfStream = async (client: OpenAI, model: string): Promise<string> => {
    let text = '';
    for await (const { choices } of await client.chat.completions.create({
      ...hello(model),
      stream: true,
    })) {
      text += choices[0]?.delta.content ?? '';
    }
    return text;
  };

  it('logs where its keys are', async () => {
    expect(gateway.output).toContain(`with its keys in ${name}.`);
    expect(await gateway.masterKey()).toBe(masterKey);
  });

  it('serves the OpenAI client: completions, streams and models', async () => {
    const client = clientOf(await gateway.generate(masterKey));

    const { data } = await client.models.list();
    const texts = await Promise.all(
      ['gpt', 'claude', 'echo'].map(async (model) => [
        (await complete(client, model)).choices[0]?.message.content,
        await textOfStream(client, model),
      ]),
    );

    expect(data.map(({ id }) => id)).toEqual(['echo', 'gpt', 'claude']);
    expect(texts).toEqual([
      ['Good day', 'Good day'],
      ['Good day', 'Good day'],
      ['Good day to you', 'Good day to you'],
    ]);
  });

  it('accepts a long conversation', async () => {
    const client = clientOf(await gateway.generate(masterKey));
    const content = 'word '.repeat(200_000);

    const { choices } = await client.chat.completions.create({
      model: 'echo',
      messages: [{ role: 'user', content }],
    });

    expect(choices[0]?.message.content).toBe(content);
  });

  it('refuses the OpenAI client a wrong key, another model and a deleted key', async () => {
    const key = await gateway.generate(masterKey, { models: ['gpt'], key_alias: 'laptop' });
    const client = clientOf(key);

    const before = await statusOf(complete(client));
    const otherModel = await statusOf(complete(client, 'claude'));
    const wrongKey = await statusOf(complete(clientOf(`${key}x`)));
    await gateway.request('/key/delete', 'POST', { key_aliases: ['laptop'] }, masterKey);
    const deleted = await statusOf(complete(client));

    expect({ before, otherModel, wrongKey, deleted }).toEqual({
      before: 200,
      otherModel: 403,
      wrongKey: 401,
      deleted: 401,
    });
  });

  it('replaces a key, and gives its alias to only one', async () => {
    const key = await gateway.generate(masterKey, { key_alias: 'desktop' });

    const taken = await gateway.request(
      '/key/generate',
      'POST',
      { key_alias: 'desktop' },
      masterKey,
    );
    const renamed = await gateway.request(
      `/key/${key}/regenerate`,
      'POST',
      { key_alias: 'tower' },
      masterKey,
    );
    const next = (await renamed.json()) as { key: string };

    expect(taken.status).toBe(409);
    expect(await statusOf(complete(clientOf(key)))).toBe(401);
    expect(await statusOf(complete(clientOf(next.key)))).toBe(200);
    await gateway.generate(masterKey, { key_alias: 'desktop' });
  });

  it("loses no request while the provider's key is rotated under traffic", async () => {
    const client = clientOf(await gateway.generate(masterKey));
    const ended = Array.from({ length: CLIENTS }, () => 0);
    const failures: unknown[] = [];
    let isOver = false;
    const traffic = ended.map(async (_, at) => {
      while (!isOver) {
        const status = await statusOf(at % 2 ? textOfStream(client, 'gpt') : complete(client));
        if (status !== 200) failures.push(status);
        ended[at] = (ended[at] ?? 0) + 1;
      }
    });

    for (let rotation = 1; rotation <= ROTATIONS; rotation++) {
      const next = `sk-${randomUUID()}`;
      providerKeys.push(next);
      await store.put('PROVIDER_KEY', next);
      provider.key = next;
      const before = [...ended];
      await eventually('what was under way has ended, and more', () =>
        ended.every((count, at) => count >= (before[at] ?? 0) + 3),
      );
    }
    isOver = true;
    await Promise.all(traffic);

    const used = new Set(provider.requests.map(({ key }) => key));
    expect(failures).toEqual([]);
    expect([...used]).toEqual(providerKeys);
  });

  it('accepts cached keys while the store is down, and issues no new ones', async () => {
    const key = await gateway.generate(masterKey);
    const client = clientOf(key);
    await complete(client);
    await store.fail();

    const statuses = [await statusOf(complete(client)), await statusOf(complete(client, 'claude'))];
    const creation = await gateway.request('/key/generate', 'POST', {}, masterKey);
    const [ready, alive] = [
      await gateway.request('/health'),
      await gateway.request('/health/live'),
    ];

    expect(statuses).toEqual([200, 200]);
    expect(creation.status).toBe(503);
    expect(await creation.json()).toMatchObject({
      error: { type: 'server_error', code: expect.stringMatching(/^(unavailable|timeout)$/) },
    });
    expect([ready.status, alive.status]).toEqual([503, 200]);
  });

  it('has logged no key', () => {
    const printed = [masterKey, ...providerKeys].filter((key) =>
      leaks(gateway.output, key.slice(3)),
    );

    expect(printed).toEqual([]);
  });
});
