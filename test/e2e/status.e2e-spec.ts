import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import request from 'supertest';
import { type Status } from '../../sample-app/src/status/status-report';
import { closeApplications } from '../support/application';
import { leaks } from '../support/failure-of';
import { FakeProvider } from '../support/fake-provider';
import {
  ECHO,
  MASTER_KEY,
  hello,
  modelEntry,
  startGateway,
  type Gateway,
} from '../support/gateway';
import { removeTemporaryFolders } from '../support/temporary-folder';

const PROVIDER_KEY = 'sk-canary-of-the-provider-key-77';
const HOSTILE = '<img src=x onerror="alert(1)">';
const PAGE_FILES = ['/', '/status/page.css', '/status/page.js'];

describe('the status page', () => {
  let store: InMemorySecretManager;
  let provider: FakeProvider;
  let gateway: Gateway;

  beforeEach(async () => {
    store = new InMemorySecretManager({ MASTER_KEY, PROVIDER_KEY, [HOSTILE]: 'canary-of-hostile' });
    provider = await new FakeProvider(PROVIDER_KEY).start();
    const api_base = `${provider.url}/v1`;
    gateway = await startGateway(store, [
      ECHO,
      modelEntry('gpt', 'openai/gpt', { api_key: 'os.environ/PROVIDER_KEY', api_base }),
      modelEntry('odd', 'openai/odd', { api_key: `os.environ/${HOSTILE}`, api_base }),
    ]);
  });

  afterEach(async () => {
    await closeApplications();
    await provider.stop();
    removeTemporaryFolders();
  });

  const status = async (): Promise<Status> => {
    const { body } = await request(gateway.url).get('/status').expect(200);
    return body as Status;
  };

  const secretNamed = async (name: string): Promise<object | undefined> =>
    (await status()).secrets.find((secret) => secret.name === name);

  it('shows the manager, and state, age, version and hits of each secret', async () => {
    const { managers, secrets, keys } = await status();

    expect(managers).toEqual([
      expect.objectContaining({ status: 'up', manager: 'in-memory', circuit: 'closed' }),
    ]);
    const ageMs = expect.any(Number) as number;
    expect(secrets).toEqual([
      { name: HOSTILE, state: 'fresh', ageMs, version: '3', hits: 0 },
      { name: 'MASTER_KEY', state: 'fresh', ageMs, version: '1', hits: 0 },
      { name: 'PROVIDER_KEY', state: 'fresh', ageMs, version: '2', hits: 0 },
    ]);
    expect(keys).toEqual({ cached: 0, hits: 0 });
  });

  it("counts the gateway's requests for a secret, but no views of the page", async () => {
    await gateway.post('/v1/chat/completions', hello('gpt')).expect(200);
    await gateway.post('/v1/chat/completions', hello('gpt')).expect(200);
    await status();

    expect(await secretNamed('PROVIDER_KEY')).toMatchObject({ hits: 2 });
    expect(await secretNamed('MASTER_KEY')).toMatchObject({ hits: 2 });
    expect(await secretNamed(HOSTILE)).toMatchObject({ hits: 0 });
  });

  it('shows the version of a secret that was rotated', async () => {
    store.rotate('PROVIDER_KEY', (provider.key = 'sk-canary-of-the-next-key-12'));

    await gateway.post('/v1/chat/completions', hello('gpt')).expect(200);

    expect(await secretNamed('PROVIDER_KEY')).toMatchObject({ state: 'fresh', version: '4' });
  });

  it('shows the time of the last change of a secret', async () => {
    const before = Date.now();
    store.rotate('PROVIDER_KEY', (provider.key = 'sk-canary-of-the-next-key-12'));

    await gateway.post('/v1/chat/completions', hello('gpt')).expect(200);

    const { changedAt } = (await secretNamed('PROVIDER_KEY')) as { changedAt?: string };
    expect(Date.parse(String(changedAt))).toBeGreaterThanOrEqual(before);
    expect(await secretNamed('MASTER_KEY')).not.toHaveProperty('changedAt');
  });

  it('shows that the store is down, and which secret is stale', async () => {
    provider.key = 'sk-another';
    store.fail('unavailable');
    await gateway.post('/v1/chat/completions', hello('gpt')).expect(502);

    const { managers } = await status();

    expect(managers).toEqual([expect.objectContaining({ status: 'down', code: 'UNAVAILABLE' })]);
    expect(await secretNamed('PROVIDER_KEY')).toMatchObject({ state: 'stale', version: '2' });
  });

  it('shows that the circuit is open', async () => {
    store.fail('unavailable');
    const keys = [1, 2, 3, 4, 5].map((each) => `sk-of-nobody-at-all-${each}`);
    await Promise.all(keys.map((key) => gateway.get('/v1/models', key).expect(503)));

    const { managers } = await status();

    expect(managers).toEqual([expect.objectContaining({ status: 'down', circuit: 'open' })]);
  });

  it('shows that a secret is missing in the store', async () => {
    provider.key = 'sk-another';
    await store.deleteSecret('PROVIDER_KEY');
    await gateway.post('/v1/chat/completions', hello('gpt'));

    expect(await secretNamed('PROVIDER_KEY')).toMatchObject({ state: 'absent' });
  });

  it('shows a denied secret as unknown', async () => {
    provider.key = 'sk-another';
    store.fail('denied', { secretName: 'PROVIDER_KEY' });
    await gateway.post('/v1/chat/completions', hello('gpt')).expect(502);

    expect(await secretNamed('PROVIDER_KEY')).toEqual({
      name: 'PROVIDER_KEY',
      state: 'unknown',
      hits: 1,
    });
  });

  it('counts the keys of the gateway, but names none', async () => {
    const issued = await gateway.generate({ key_alias: 'alias-of-somebody' });
    await gateway.get('/v1/models', issued.key).expect(200);
    await gateway.get('/v1/models', 'sk-of-nobody-at-all-1').expect(401);

    const { text, body } = await request(gateway.url).get('/status').expect(200);

    expect((body as Status).keys).toEqual({ cached: 1, hits: expect.any(Number) });
    expect((body as Status).keys.hits).toBeGreaterThanOrEqual(2);
    expect(text).not.toContain('alias-of-somebody');
    expect(leaks(text, issued.token_id)).toBe(false);
  });

  it('holds neither values nor keys, in page or JSON', async () => {
    const { key } = await gateway.generate();
    await gateway.post('/v1/chat/completions', hello('gpt'), key).expect(200);

    const answers = await Promise.all(
      [...PAGE_FILES, '/status'].map((path) => gateway.get(path).expect(200)),
    );

    const everything = answers
      .map(({ text, headers }) => text + JSON.stringify(headers))
      .join('\n');
    const canaries = [MASTER_KEY, PROVIDER_KEY, 'canary-of-hostile', key];
    expect(everything).toContain('PROVIDER_KEY');
    expect(canaries.filter((canary) => leaks(everything, canary))).toEqual([]);
  });

  it('keeps names out of the HTML, and in JSON', async () => {
    const page = await request(gateway.url).get('/').expect(200);
    const json = await request(gateway.url).get('/status').expect(200);

    expect(page.text).not.toMatch(/onerror|PROVIDER_KEY/);
    expect(json.text).toContain(JSON.stringify(HOSTILE));
    expect(json.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
  });

  it('permits only scripts and styles of its own files', async () => {
    const { text, headers } = await request(gateway.url).get('/').expect(200);

    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=|\sstyle=/);
  });

  it.each(PAGE_FILES)('serves %s with its content type', async (path) => {
    const { headers } = await request(gateway.url).get(path).expect(200);

    const types = new Map([
      ['/', 'text/html; charset=utf-8'],
      ['/status/page.css', 'text/css; charset=utf-8'],
      ['/status/page.js', 'text/javascript; charset=utf-8'],
    ]);
    expect(headers).toMatchObject({
      'content-type': types.get(path),
      'x-content-type-options': 'nosniff',
    });
  });
});
