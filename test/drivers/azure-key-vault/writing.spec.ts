import { compose } from '../../../lib/policies/compose';
import { resolveOptions } from '../../../lib/secret-manager.options';
import { failureOf } from '../../support/failure-of';
import { failure, forbidden } from '../../support/fake-azure-key-vault';
import { Fixture, warningCodes } from './fixture';

const TIMES = { deletionMs: 50, recoveryMs: 50, recoveredMs: 50 };

describe('a write of the manager for Azure Key Vault', () => {
  let fixture: Fixture;
  let warnings: string[];

  beforeEach(async () => {
    warnings = warningCodes();
    fixture = await new Fixture(TIMES).start();
  });

  afterEach(async () => {
    await fixture.close();
    jest.restoreAllMocks();
  });

  it('tells the version and the time of its creation', async () => {
    const metadata = await fixture.manager().writeSecret('API-KEY', 'value');

    expect(metadata).toEqual({
      version: fixture.fake.current('API-KEY')?.id,
      createdAt: expect.any(Date),
    });
  });

  it('keeps tags, description and content type, and drops the expiry date', async () => {
    fixture.fake.seed('API-KEY', 'old', {
      contentType: 'text/plain',
      tags: { team: 'a', description: 'of the mail' },
      attributes: { exp: 4_000_000_000, nbf: 1_000_000_000 },
    });

    await fixture.manager().writeSecret('API-KEY', 'new');

    const current = fixture.fake.current('API-KEY');
    expect(current).toMatchObject({
      value: 'new',
      contentType: 'text/plain',
      tags: { team: 'a', description: 'of the mail' },
    });
    expect(current?.attributes).not.toHaveProperty('exp');
    expect(current?.attributes).not.toHaveProperty('nbf');
  });

  it('adds the tags of the call to those of the secret', async () => {
    fixture.fake.seed('API-KEY', 'old', { tags: { team: 'a', stage: 'dev' } });

    const given = { description: 'new', tags: { team: 'b' } };
    await fixture.manager().writeSecret('API-KEY', 'new', given);

    expect(fixture.fake.current('API-KEY')?.tags).toEqual({
      team: 'b',
      stage: 'dev',
      description: 'new',
    });
  });

  it('keeps the tags of a disabled secret', async () => {
    fixture.fake.seed('API-KEY', 'old', { tags: { team: 'a' }, attributes: { enabled: false } });

    await fixture.manager().writeSecret('API-KEY', 'new');

    expect(fixture.fake.current('API-KEY')).toMatchObject({
      tags: { team: 'a' },
      attributes: { enabled: true },
    });
    expect(warnings).toEqual([]);
  });

  it('writes without tags, with one warning, if the login may not read', async () => {
    fixture.fake.seed('API-KEY', 'old', { tags: { team: 'a' } });
    fixture.set({ intercept: ({ method }) => (method === 'GET' ? forbidden() : undefined) });
    const manager = fixture.manager();

    await manager.writeSecret('API-KEY', 'new');
    await manager.writeSecret('API-KEY', 'newer');

    expect(fixture.fake.current('API-KEY')).toMatchObject({ value: 'newer', tags: undefined });
    expect(warnings).toEqual(['AZURE_PROPERTIES_DENIED']);
  });

  it.each([429, 500])(
    'does not write over the tags of a disabled secret after the status %d of their list',
    async (status) => {
      fixture.fake.seed('API-KEY', 'old', { tags: { team: 'a' }, attributes: { enabled: false } });
      fixture.set({
        intercept: ({ path }) => (path.endsWith('/versions') ? failure(status, 'X') : undefined),
      });

      const failed = await failureOf(fixture.manager().writeSecret('API-KEY', 'new'));

      expect(failed.code).toBe(status === 429 ? 'THROTTLED' : 'UNAVAILABLE');
      expect(fixture.fake.current('API-KEY')).toMatchObject({ value: 'old', tags: { team: 'a' } });
    },
  );

  it('does not write if the properties cannot be read for another reason', async () => {
    fixture.set({ intercept: ({ method }) => (method === 'GET' ? failure(500, 'X') : undefined) });

    const failed = await failureOf(fixture.manager().writeSecret('API-KEY', 'new'));

    expect(failed.code).toBe('UNAVAILABLE');
    expect(fixture.fake.asked).toEqual(['GET /secrets/API-KEY']);
  });

  it('refuses to create a secret that exists, also a disabled one', async () => {
    fixture.fake.seed('API-KEY', 'old');
    fixture.fake.seed('OFF', 'old', { attributes: { enabled: false } });
    const manager = fixture.manager();

    for (const name of ['API-KEY', 'OFF']) {
      const failed = await failureOf(manager.writeSecret(name, 'new', { createOnly: true }));
      expect(failed).toMatchObject({ code: 'CONFLICT', secretName: name });
    }
    expect(fixture.fake.current('API-KEY')?.value).toBe('old');
  });

  it('creates a secret once for two calls at the same time, in any spelling', async () => {
    const manager = fixture.manager();

    const outcomes = await Promise.allSettled(
      ['API-KEY', 'api-key'].map((name) => manager.writeSecret(name, name, { createOnly: true })),
    );

    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'CONFLICT', operation: 'writeSecret' } },
    ]);
    expect(fixture.fake.current('API-KEY')?.value).toBe('API-KEY');
  });

  it('waits for an earlier change of the secret until its deadline', async () => {
    fixture.fake.fail('hanging');
    const manager = fixture.manager();
    const first = failureOf(manager.writeSecret('API-KEY', 'a', { timeoutMs: 1_000 }));

    const second = await failureOf(manager.writeSecret('API-KEY', 'b', { timeoutMs: 50 }));

    expect(second).toMatchObject({ code: 'TIMEOUT', operation: 'writeSecret' });
    await expect(first).resolves.toMatchObject({ code: 'TIMEOUT' });
    expect(fixture.fake.asked).toHaveLength(1);
  });

  it('creates nothing if it cannot know whether the secret exists', async () => {
    fixture.set({ intercept: ({ method }) => (method === 'GET' ? forbidden() : undefined) });

    const written = fixture.manager().writeSecret('API-KEY', 'new', { createOnly: true });

    await expect(failureOf(written)).resolves.toMatchObject({ code: 'ACCESS_DENIED' });
    expect(fixture.fake.current('API-KEY')).toBeUndefined();
  });

  it.each<[string, string, object]>([
    ['a value of more than 25 KB', 'x'.repeat(25_601), {}],
    ['half of a surrogate pair', 'a\ud800b', {}],
    ['16 tags', 'x', { tags: Object.fromEntries([...'abcdefghijklmnop'].map((t) => [t, t])) }],
    ['a tag of 257 characters', 'x', { tags: { long: 'x'.repeat(257) } }],
    ['a description of 257 characters', 'x', { description: 'x'.repeat(257) }],
    ['two descriptions', 'x', { description: 'a', tags: { description: 'b' } }],
    ['params', 'x', { params: { version: '0'.repeat(32) } }],
  ])('refuses %s, and sends no value', async (_, value, options) => {
    const failed = await failureOf(fixture.manager().writeSecret('API-KEY', value, options));

    expect(failed).toMatchObject({ code: 'INVALID_ARGUMENT', secretName: 'API-KEY' });
    expect(fixture.fake.asked).not.toContain('PUT /secrets/API-KEY');
  });

  it('takes a value of 25 KB, and 15 tags', async () => {
    const tags = Object.fromEntries([...'abcdefghijklmno'].map((tag) => [tag, 'x'.repeat(256)]));

    await fixture.manager().writeSecret('API-KEY', 'x'.repeat(25_600), { tags });

    expect(fixture.fake.current('API-KEY')?.tags).toEqual(tags);
  });

  it('recovers a deleted secret, and waits until the vault takes the value', async () => {
    fixture.fake.seed('API-KEY', 'old', { contentType: 'text/plain', tags: { team: 'a' } });
    const manager = fixture.manager();
    await manager.deleteSecret('API-KEY');

    await manager.writeSecret('API-KEY', 'new', { createOnly: true });

    expect(fixture.fake.current('API-KEY')).toMatchObject({
      value: 'new',
      contentType: 'text/plain',
      tags: { team: 'a' },
    });
    expect(fixture.fake.asked).toContain('POST /deletedsecrets/API-KEY/recover');
  });

  it('takes a name that another client purged or recovered meanwhile', async () => {
    fixture.set({ deletionMs: 0, recoveryMs: 0, recoveredMs: 0 });
    fixture.fake.seed('API-KEY', 'old');
    const manager = fixture.manager();
    await manager.deleteSecret('API-KEY');
    fixture.set({
      intercept: ({ path }) => {
        if (!path.startsWith('/deletedsecrets')) return undefined;
        fixture.fake.reset();
        return failure(404, 'SecretNotFound');
      },
    });

    await manager.writeSecret('API-KEY', 'new', { timeoutMs: 2_000 });

    expect(fixture.fake.current('API-KEY')?.value).toBe('new');
  });

  it('recovers without the right to look at deleted secrets', async () => {
    fixture.fake.seed('API-KEY', 'old');
    const manager = fixture.manager();
    await manager.deleteSecret('API-KEY');
    fixture.set({
      intercept: ({ method, path }) =>
        method === 'GET' && path.startsWith('/deletedsecrets') ? forbidden() : undefined,
    });

    await manager.writeSecret('API-KEY', 'new');

    expect(fixture.fake.current('API-KEY')?.value).toBe('new');
  });

  it('waits for a deletion until the deadline of the call alone', async () => {
    fixture.fake.seed('API-KEY', 'old');
    const manager = fixture.manager();
    await manager.deleteSecret('API-KEY');
    fixture.set({ deletionMs: 60_000 });

    const startedAt = performance.now();
    const failed = await failureOf(manager.writeSecret('API-KEY', 'new', { timeoutMs: 400 }));

    expect(failed.code).toBe('TIMEOUT');
    expect(performance.now() - startedAt).toBeGreaterThan(350);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });

  it('waits in the pipeline for longer than an attempt may take', async () => {
    fixture.fake.seed('API-KEY', 'old');
    const manager = fixture.manager();
    await manager.deleteSecret('API-KEY');
    fixture.set({ deletionMs: 500 });
    const options = resolveOptions({ attemptTimeoutMs: 200, timeoutMs: 5_000 }, manager);
    const pipeline = compose(manager, options).outermost;

    await pipeline.writeSecret('API-KEY', 'new');

    expect(fixture.fake.current('API-KEY')?.value).toBe('new');
  });

  it('ends its wait when the call is aborted', async () => {
    fixture.fake.seed('API-KEY', 'old');
    const manager = fixture.manager();
    await manager.deleteSecret('API-KEY');
    fixture.set({ deletionMs: 60_000 });
    const caller = new AbortController();

    const failed = failureOf(manager.writeSecret('API-KEY', 'new', { signal: caller.signal }));
    setTimeout(() => caller.abort(), 100);

    await expect(failed).resolves.toMatchObject({ code: 'CANCELLED' });
  });

  it('deletes a recovered secret again if the write fails', async () => {
    fixture.fake.seed('API-KEY', 'old');
    const manager = fixture.manager();
    await manager.deleteSecret('API-KEY');
    let isRecovered = false;
    fixture.set({
      intercept: ({ method, path }) => {
        if (path.endsWith('/recover')) isRecovered = true;
        return method === 'PUT' && isRecovered ? forbidden() : undefined;
      },
    });

    const failed = await failureOf(manager.writeSecret('API-KEY', 'new'));
    const isGone = async (): Promise<boolean> =>
      fixture.fake.asked.filter((request) => request === 'DELETE /secrets/API-KEY').length === 2;
    while (!(await isGone())) await new Promise((resolve) => setTimeout(resolve, 20));

    expect(failed).toMatchObject({ code: 'UNKNOWN', causeCode: 'ACCESS_DENIED' });
    expect(failed.message).toContain('former value');
    await expect(manager.readSecret('API-KEY')).resolves.toBeUndefined();
  });

  it('lets a value of another client alone that is there after a failed write', async () => {
    fixture.fake.seed('API-KEY', 'old');
    const manager = fixture.manager();
    await manager.deleteSecret('API-KEY');
    let isRecovered = false;
    fixture.set({
      recoveryMs: 0,
      recoveredMs: 0,
      intercept: ({ method, path }) => {
        if (path.endsWith('/recover')) isRecovered = true;
        if (method !== 'PUT' || !isRecovered) return undefined;
        fixture.fake.seed('API-KEY', 'of another client');
        return failure(500, 'X');
      },
    });

    await failureOf(manager.writeSecret('API-KEY', 'new'));
    await new Promise((resolve) => setTimeout(resolve, 200));

    expect(fixture.fake.asked.at(-1)).toBe('GET /secrets/API-KEY');
    await expect(manager.readSecret('API-KEY')).resolves.toMatchObject({
      value: 'of another client',
    });
  });

  it('warns if a recovered secret cannot be deleted again', async () => {
    fixture.fake.seed('API-KEY', 'old');
    const manager = fixture.manager();
    await manager.deleteSecret('API-KEY');
    let isRecovered = false;
    fixture.set({
      intercept: ({ path }) => {
        if (isRecovered) return forbidden();
        isRecovered = path.endsWith('/recover');
        return undefined;
      },
    });

    await failureOf(manager.writeSecret('API-KEY', 'new'));
    await new Promise((resolve) => setTimeout(resolve, 100));

    expect(warnings).toEqual(['AZURE_SECRET_RESTORED']);
  });
});
