import type { SecretAnswer, SecretManagerModuleOptions } from 'nestjs-custom-secret-manager';
import { VirtualKeysService } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith, type Started } from '../../support/application';
import { hurriedTests } from '../../support/hurried-time';

type Held = Awaited<ReturnType<InMemorySecretManager['readSecret']>>;

/** A store that returns its state before the last write, for some reads or some time. */
class LaggingStore extends InMemorySecretManager {
  lagsForMs = 150;
  readonly hidesVersions: boolean;
  readonly #before = new Map<string, { readonly held: Held; readonly until: number }>();

  constructor(secrets: Record<string, string> = {}, hidesVersions = false) {
    super(secrets);
    this.hidesVersions = hidesVersions;
  }

  override async readSecret(
    ...[name, options]: Parameters<InMemorySecretManager['readSecret']>
  ): Promise<Held> {
    const current = await super.readSecret(name, options);
    return this.seen(name, current);
  }

  override readSecretSync(
    ...[name, options]: Parameters<InMemorySecretManager['readSecretSync']>
  ): Held {
    return this.seen(name, super.readSecretSync(name, options));
  }

  override async readSecrets(names: readonly string[]): Promise<Map<string, SecretAnswer | Error>> {
    return new Map(
      await Promise.all(names.map(async (name) => [name, await this.readSecret(name)] as const)),
    );
  }

  override async writeSecret(...args: Parameters<InMemorySecretManager['writeSecret']>) {
    await this.remember(args[0]);
    const { version, ...metadata } = await super.writeSecret(...args);
    return this.hidesVersions ? metadata : { ...metadata, version };
  }

  override async deleteSecret(...args: Parameters<InMemorySecretManager['deleteSecret']>) {
    await this.remember(args[0]);
    return await super.deleteSecret(...args);
  }

  /** Returns this answer for a while, whatever the store holds. */
  answersAt(name: string, value: string, version: string): void {
    this.#before.set(name, {
      held: { value, version },
      until: performance.now() + this.lagsForMs,
    });
  }

  private async remember(name: string): Promise<void> {
    const held = super.readSecretSync(name);
    this.#before.set(name, { held, until: performance.now() + this.lagsForMs });
  }

  private seen(name: string, current: Held): Held {
    const before = this.#before.get(name);
    const held = before && performance.now() < before.until ? before.held : current;
    return held && this.hidesVersions ? { value: held.value } : held;
  }
}

async function start(
  store: LaggingStore,
  options: SecretManagerModuleOptions = {},
): Promise<Started> {
  return await startWith(store, {
    settings: { accessMode: 'read_and_write', storeVirtualKeys: true },
    ...options,
  });
}

describe.each([
  ['with versions', false],
  ['without versions', true],
])('a store %s with a lagging replica', (_, hidesVersions) => {
  hurriedTests();
  afterEach(closeApplications);

  const asked = { maxAgeMs: 0 };

  it('returns the written value after a write', async () => {
    const { secrets } = await start(new LaggingStore({ KEY: 'old' }, hidesVersions));
    await secrets.get('KEY');

    await secrets.set('KEY', 'new');

    expect(await secrets.get('KEY', asked)).toBe('new');
    expect(await secrets.get('KEY')).toBe('new');
  });

  it('returns the written value even if the secret was never read before', async () => {
    const { secrets } = await start(new LaggingStore({ KEY: 'old' }, hidesVersions));

    await secrets.set('KEY', 'new');

    expect(await secrets.get('KEY', asked)).toBe('new');
  });

  it('returns the written value in a batch, and to a refresh', async () => {
    const { secrets } = await start(
      new LaggingStore({ KEY: 'old', OTHER: 'other' }, hidesVersions),
    );
    await secrets.get('KEY');
    await secrets.set('KEY', 'new');

    const outcomes = await secrets.getMany(['OTHER', 'KEY'], asked);
    await secrets.refresh();

    expect([...outcomes.values()]).toEqual([{ value: 'other' }, { value: 'new' }]);
    expect(await secrets.get('KEY')).toBe('new');
  });

  it('returns the written value synchronously', async () => {
    const { secrets } = await start(new LaggingStore({ KEY: 'old' }, hidesVersions));
    await secrets.get('KEY');

    await secrets.set('KEY', 'new');

    expect(secrets.getSync('KEY', asked)).toBe('new');
    expect(secrets.getSync('KEY')).toBe('new');
  });

  it('returns the written value synchronously if the cache is full', async () => {
    const store = new LaggingStore({ KEY: 'old', OTHER: 'other' }, hidesVersions);
    const { secrets } = await start(store, { cache: { maxEntries: 1 } });

    await secrets.set('KEY', 'new');
    await secrets.get('OTHER');

    expect(secrets.getSync('KEY')).toBe('new');
  });

  it('returns undefined synchronously after a deletion whose absence was evicted', async () => {
    const store = new LaggingStore({ KEY: 'old' }, hidesVersions);
    const { secrets } = await start(store, { cache: { maxEntries: 1 } });

    await secrets.delete('KEY');
    await secrets.get('MISSING');

    expect(secrets.getSync('KEY')).toBeUndefined();
  });

  it('returns its own reading to a synchronous read after an invalidation', async () => {
    const store = new LaggingStore({ KEY: 'old' }, hidesVersions);
    const { secrets } = await start(store);
    await secrets.delete('KEY');
    store.lagsForMs = 0;
    await secrets.set('KEY', 'new');
    store.rotate('KEY', 'of somebody else');

    secrets.invalidate('KEY');

    expect(secrets.getSync('KEY')).toBe('of somebody else');
  });

  it('returns the written value without a cache', async () => {
    const store = new LaggingStore({ KEY: 'old' }, hidesVersions);
    const { secrets } = await start(store, { cache: false });

    await secrets.set('KEY', 'new');

    expect(await secrets.get('KEY')).toBe('new');
  });

  it('returns the written value after an unseen change by somebody else', async () => {
    const store = new LaggingStore({ KEY: 'old' }, hidesVersions);
    const { secrets } = await start(store);
    await secrets.get('KEY');
    store.rotate('KEY', 'of somebody else');

    await secrets.set('KEY', 'new');

    expect(await secrets.get('KEY', asked)).toBe('new');
  });

  it('returns the written value after many writes', async () => {
    const store = new LaggingStore({ KEY: 'old' }, hidesVersions);
    const { secrets } = await start(store);
    await secrets.get('KEY');
    for (let index = 0; index < 10; index++) await secrets.set('KEY', `value ${index}`);
    store.answersAt('KEY', 'old', '1');

    expect(await secrets.get('KEY', asked)).toBe('value 9');
  });

  it('returns one of two overlapping writes, and never the value before', async () => {
    const { secrets } = await start(new LaggingStore({ KEY: 'old' }, hidesVersions));

    await Promise.all([secrets.set('KEY', 'a'), secrets.set('KEY', 'b')]);

    expect(['a', 'b']).toContain(await secrets.get('KEY', asked));
  });

  it('returns the written value after a deletion that resets versions', async () => {
    const store = new LaggingStore({ OTHER: '1', KEY: 'old' }, hidesVersions);
    const { secrets } = await start(store);
    await secrets.get('KEY');
    await secrets.delete('KEY', { recoveryWindowInDays: 0 });
    await secrets.set('KEY', 'new');
    store.answersAt('KEY', 'old', '99');

    expect(await secrets.get('KEY', asked)).toBe('new');
  });

  it('does not let a stale synchronous answer into the cache', async () => {
    const store = new LaggingStore({ KEY: 'old' }, hidesVersions);
    const { secrets } = await start(store);
    await secrets.get('KEY');
    await secrets.set('KEY', 'new');
    secrets.invalidate('KEY');

    secrets.getSync('KEY');
    await new Promise((resolve) => setTimeout(resolve, 200));

    expect(await secrets.get('KEY')).toBe('new');
  });

  it('does not delay other secrets of a batch', async () => {
    const store = new LaggingStore({ KEY: 'old', OTHER: 'other' }, hidesVersions);
    store.lagsForMs = 60_000;
    const { secrets } = await start(store);
    await secrets.set('KEY', 'new');

    const outcomes = await secrets.getMany(['KEY', 'OTHER'], { ...asked, timeoutMs: 300 });

    expect(outcomes.get('OTHER')).toEqual({ value: 'other' });
    expect(outcomes.get('KEY')).toMatchObject({ error: { code: 'TIMEOUT' } });
  });

  it('finds a newly created secret', async () => {
    const { secrets } = await start(new LaggingStore({}, hidesVersions));
    expect(await secrets.get('KEY')).toBeUndefined();

    await secrets.set('KEY', 'new');

    expect(await secrets.get('KEY', asked)).toBe('new');
  });

  it('does not find a deleted secret', async () => {
    const { secrets } = await start(new LaggingStore({ KEY: 'old' }, hidesVersions));
    await secrets.get('KEY');

    await secrets.delete('KEY');

    expect(await secrets.get('KEY', asked)).toBeUndefined();
    expect(secrets.getSync('KEY')).toBeUndefined();
  });

  it.each([{}, { name: 'NEXT' }])('completes a rotation to %o', async (next) => {
    const { secrets } = await start(new LaggingStore({ KEY: 'old' }, hidesVersions));

    await secrets.rotate('KEY', { ...next, value: 'new' });

    expect(await secrets.get('name' in next ? 'NEXT' : 'KEY', asked)).toBe('new');
  });

  it('verifies a rotation until its deadline', async () => {
    const store = new LaggingStore({ KEY: 'old' }, hidesVersions);
    store.lagsForMs = 1_800; // longer than a read is retried
    const { secrets } = await start(store);

    await secrets.rotate('KEY', { value: 'new' });

    expect(await secrets.get('KEY')).toBe('new');
  });

  it('verifies no virtual key that was replaced or deleted', async () => {
    const { app } = await start(new LaggingStore({}, hidesVersions));
    const keys = app.get(VirtualKeysService);
    const key = { id: '1' };
    const first = await keys.create(key);

    const second = await keys.rotate(key);
    const verified = [
      await keys.verify(key, first.value, asked),
      await keys.verify(key, second.value, asked),
    ];
    await keys.delete([key]);

    expect([...verified, await keys.verify(key, second.value, asked)]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('renames a virtual key right after it was created', async () => {
    const { app } = await start(new LaggingStore({}, hidesVersions));
    const keys = app.get(VirtualKeysService);
    const { value } = await keys.create({ id: '1' });

    const renamed = await keys.rename({ id: '1' }, { alias: 'alice' });

    expect(renamed).toEqual({ storedName: 'litellm/alice', value });
  });
});

describe('a change by somebody else after a write', () => {
  afterEach(closeApplications);

  it('is accepted at once if its version is newer', async () => {
    const store = new InMemorySecretManager({ KEY: 'old' });
    const { secrets } = await startWith(store, { settings: { accessMode: 'read_and_write' } });
    await secrets.get('KEY');
    await secrets.set('KEY', 'new');
    const before = store.calls.length;

    store.rotate('KEY', 'old');

    expect(await secrets.get('KEY', { maxAgeMs: 0 })).toBe('old');
    expect(store.calls).toHaveLength(before + 1);
  });

  it('is accepted after three retries if it looks like the replaced value, and for ten seconds', async () => {
    jest.useFakeTimers();
    try {
      const store = new LaggingStore({ KEY: 'old' }, true);
      store.lagsForMs = 0;
      const { secrets } = await start(store);
      await secrets.get('KEY');
      await secrets.set('KEY', 'new');
      const before = store.calls.length;
      store.rotate('KEY', 'old');

      const answer = secrets.get('KEY', { maxAgeMs: 0 });
      await jest.advanceTimersByTimeAsync(1_400);
      const repeated = store.calls.length - before;
      await jest.advanceTimersByTimeAsync(9_000);
      const cached = [await secrets.get('KEY'), store.calls.length - before - repeated];
      await jest.advanceTimersByTimeAsync(1_000);
      await secrets.get('KEY');

      expect([await answer, repeated]).toEqual(['old', 4]);
      expect(cached[0]).toBe('old');
      expect(store.calls.length).toBeGreaterThan(before + repeated);
    } finally {
      jest.useRealTimers();
    }
  });
});
