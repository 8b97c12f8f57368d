import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { createHash } from 'node:crypto';
import { closeApplications } from '../support/application';
import { leaks } from '../support/failure-of';
import {
  ECHO,
  MASTER_KEY,
  hello,
  modelEntry,
  startGateway,
  type Gateway,
} from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';

const OTHER = modelEntry('other', 'echo/other');

const OF_THE_GATEWAY = ['MASTER_KEY', 'litellm/service/signing-key'];

describe('the keys of the gateway', () => {
  let store: InMemorySecretManager;
  let gateway: Gateway;

  beforeEach(async () => {
    store = new InMemorySecretManager({ MASTER_KEY });
    gateway = await startGateway(store, [ECHO, OTHER]);
  });

  afterEach(async () => {
    await closeApplications();
    removeTemporaryFolders();
  });

  const namesInStore = async (): Promise<string[]> => {
    const names = new Set(store.calls.map(({ secretName }) => secretName ?? ''));
    const values = await Promise.all([...names].map((name) => store.readSecret(name)));
    return [...names].filter((name, at) => !OF_THE_GATEWAY.includes(name) && values[at]).sort();
  };
  const statusOf = async (key: string, model = 'echo'): Promise<number> =>
    (await gateway.post('/v1/chat/completions', hello(model), key)).status;

  it('are returned once, with the fields of LiteLLM', async () => {
    const { body } = await gateway.post('/key/generate', { key_alias: 'laptop', models: ['echo'] });

    expect(body).toEqual({
      key: expect.stringMatching(/^sk-[\w-]{65}$/),
      token_id: createHash('sha256').update(String(body.key)).digest('hex'),
      key_alias: 'laptop',
      models: ['echo'],
      created_at: expect.any(String),
      expires: null,
    });
    expect(await statusOf(String(body.key))).toBe(200);
  });

  it('may be chosen by the caller', async () => {
    const key = 'sk-chosen-by-a-person-1';

    const issued = await gateway.generate({ key });

    expect(issued.key).toBe(key);
    expect(await statusOf(key)).toBe(200);
  });

  it('cannot be issued twice', async () => {
    const { key } = await gateway.generate({ key_alias: 'laptop', models: ['echo'] });

    const sameAlias = await gateway.post('/key/generate', { key_alias: 'laptop' });
    const sameKey = await gateway.post('/key/generate', { key });

    expect(sameAlias.status).toBe(409);
    expect(sameAlias.body).toMatchObject({ error: { param: 'key_alias' } });
    expect(sameKey.status).toBe(409);
    expect(sameKey.body).toMatchObject({ error: { param: 'key' } });
    expect(await statusOf(key, 'other')).toBe(403);
    expect(await namesInStore()).toHaveLength(2);
  });

  it.each(['by the key', 'by its token id'])('are described %s, without the key', async (how) => {
    const { key, token_id } = await gateway.generate({ key_alias: 'laptop', models: ['echo'] });

    const answer = await gateway.get(`/key/info?key=${how === 'by the key' ? key : token_id}`);

    expect(answer.body).toEqual({
      key: token_id,
      info: {
        key_alias: 'laptop',
        models: ['echo'],
        created_at: expect.any(String),
        expires: null,
      },
    });
    expect(leaks(answer.text, key.slice(3))).toBe(false);
  });

  it('are replaced at once, and keep their models', async () => {
    const { key, token_id } = await gateway.generate({ key_alias: 'laptop', models: ['echo'] });

    const { body } = await gateway.post(`/key/${token_id}/regenerate`, {}).expect(200);

    expect(body).toMatchObject({ key_alias: 'laptop', models: ['echo'] });
    expect(await statusOf(key)).toBe(401);
    expect(await statusOf(String(body.key))).toBe(200);
    expect(await statusOf(String(body.key), 'other')).toBe(403);
    expect(await namesInStore()).toEqual([`gateway/keys/${body.token_id}`, 'litellm/laptop']);
  });

  it('may get another alias when they are replaced, which frees the old one', async () => {
    const { key } = await gateway.generate({ key_alias: 'laptop' });

    const { body } = await gateway.post(`/key/${key}/regenerate`, { key_alias: 'desktop' });

    expect(body).toMatchObject({ key_alias: 'desktop' });
    expect(await statusOf(String(body.key))).toBe(200);
    await gateway.generate({ key_alias: 'laptop' });
  });

  it('cannot take the alias of another key', async () => {
    const { key } = await gateway.generate({ key_alias: 'laptop' });
    const other = await gateway.generate({ key_alias: 'desktop' });

    const answer = await gateway.post(`/key/${key}/regenerate`, { key_alias: 'desktop' });

    expect(answer.status).toBe(409);
    expect([await statusOf(key), await statusOf(other.key)]).toEqual([200, 200]);
    expect(await namesInStore()).toHaveLength(4);
  });

  it('are refused at once after a deletion by key, token id or alias', async () => {
    const [byKey, byTokenId, byAlias] = await Promise.all([
      gateway.generate(),
      gateway.generate({ key_alias: 'laptop' }),
      gateway.generate({ key_alias: 'desktop' }),
    ]);
    const before = await Promise.all([byKey, byTokenId, byAlias].map(({ key }) => statusOf(key)));

    const { body } = await gateway.post('/key/delete', {
      keys: [byKey.key, byTokenId.token_id, 'sk-of-nobody-at-all-1'],
      key_aliases: ['desktop', 'nobody'],
    });

    const after = await Promise.all([byKey, byTokenId, byAlias].map(({ key }) => statusOf(key)));
    expect(body).toEqual({ deleted_keys: [byKey.token_id, byTokenId.token_id, 'desktop'] });
    expect([before, after]).toEqual([
      [200, 200, 200],
      [401, 401, 401],
    ]);
    expect(await namesInStore()).toEqual([]);
  });

  it('expire at their end', async () => {
    const { key, expires } = (await gateway.generate({ duration: '1h' })) as {
      key: string;
      expires?: string;
    };
    const before = await statusOf(key);
    jest.useFakeTimers({ doNotFake: [...NOT_DATE], now: Date.parse(String(expires)) });

    const after = await statusOf(key);
    jest.useRealTimers();

    expect([before, after]).toEqual([200, 401]);
  });

  it.each([
    ['GET', '/key/info?key=sk-of-nobody-at-all-1'],
    ['POST', '/key/sk-of-nobody-at-all-1/regenerate'],
    ['POST', '/key/delete'],
  ])('that are missing are not found: %s %s', async (method, path) => {
    const content = { keys: ['sk-of-nobody-at-all-1'] };
    const asked =
      method === 'GET'
        ? gateway.get(path)
        : gateway.post(path, path.includes('delete') ? content : {});

    const { status, body, text } = await asked;

    expect(status).toBe(404);
    expect(body).toMatchObject({ error: { code: 'key_not_found' } });
    expect(text).not.toContain('sk-of-nobody');
  });

  it.each([
    ['key_alias', { key_alias: 'with a space' }],
    ['key_alias', { key_alias: 'virtual-key-x' }],
    ['key_alias', { key_alias: '..' }],
    ['models', { models: 'echo' }],
    ['models', { models: [5] }],
    ['key', { key: 'sk-short' }],
    ['key', { key: 'canary-without-its-beginning' }],
    ['duration', { duration: 'a while' }],
    ['max_budget', { max_budget: 5 }],
  ])('are not issued with an invalid %s', async (param, content) => {
    const { status, body, text } = await gateway.post('/key/generate', content);

    expect(status).toBe(400);
    expect(body).toEqual({
      error: {
        message: expect.stringContaining(param),
        type: 'invalid_request_error',
        param,
        code: null,
      },
    });
    expect(text).not.toContain('canary');
    expect(await namesInStore()).toEqual([]);
  });

  it.each([
    '/key/generate',
    '/key/update',
    '/key/regenerate',
    '/key/block',
    '/key/unblock',
    '/key/delete',
    '/v1/chat/completions',
  ])('refuse a field with the name of an object property: %s', async (path) => {
    const { key } = await gateway.generate({ key_alias: 'laptop' });
    const before = await namesInStore();
    const known = path === '/key/delete' ? { keys: [key] } : { key };
    const content = path.startsWith('/v1') ? hello('echo') : path.endsWith('generate') ? {} : known;

    for (const field of Object.getOwnPropertyNames(Object.prototype)) {
      const inBody = JSON.stringify(content).replace(/\}$/, '');
      const separator = inBody === '{' ? '' : ',';
      const { status, body } = await gateway.post(
        path,
        `${inBody}${separator}"${field}":{"models":["echo"]}}`,
      );

      expect([field, status]).toEqual([field, 400]);
      expect(body).toMatchObject({
        error: { message: expect.stringContaining(field), param: field },
      });
    }
    expect(await namesInStore()).toEqual(before);
    expect(await statusOf(key)).toBe(200);
  });

  it.each(['', 'sk-wrong', MASTER_KEY.slice(0, -1), `${MASTER_KEY}x`])(
    'are not managed with the key "%s"',
    async (key) => {
      const answers = await Promise.all([
        gateway.post('/key/generate', {}, key),
        gateway.get('/key/info?key=x', key),
        gateway.post('/key/x/regenerate', {}, key),
        gateway.post('/key/delete', { keys: ['x'] }, key),
      ]);

      expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
      expect(answers[0]?.body).toMatchObject({ error: { code: 'invalid_api_key' } });
    },
  );

  it('cannot manage keys', async () => {
    const { key } = await gateway.generate();

    const answer = await gateway.post('/key/generate', {}, key);

    expect(answer.status).toBe(401);
  });

  it('cannot be replaced by their digest', async () => {
    const { token_id } = await gateway.generate();

    expect(await statusOf(token_id)).toBe(401);
  });

  it('appear in no record, no other answer and no log', async () => {
    const { key, token_id } = await gateway.generate({ key_alias: 'laptop' });
    const texts = [
      (await gateway.get(`/key/info?key=${key}`)).text,
      (await gateway.get(`/key/${key}/no/such/route`)).text,
      (await gateway.post('/v1/chat/completions', `{"key": ${key}`, key)).text,
      (await gateway.post('/v1/chat/completions', hello('none'), key)).text,
      String((await store.readSecret(`gateway/keys/${token_id}`))?.value),
      (await gateway.post('/key/delete', { keys: [key] })).text,
      ...gateway.log.lines,
    ];

    expect(leaks(texts.join('\n'), key.slice(3))).toBe(false);
    expect(leaks(texts.join('\n'), MASTER_KEY)).toBe(false);
  });
});

const NOT_DATE = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
] as const;
