import { VirtualKeysService, type SecretManagerModuleOptions } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../support/application';
import { failureOf } from '../support/failure-of';

async function keysOn(
  store: InMemorySecretManager,
  settings: SecretManagerModuleOptions['settings'] = {},
): Promise<VirtualKeysService> {
  const { app } = await startWith(store, { settings: { storeVirtualKeys: true, ...settings } });
  return app.get(VirtualKeysService);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

/** Returns the key with another character at a position. */
function altered(key: string, at: number): string {
  return `${key.slice(0, at)}${key[at] === 'A' ? 'B' : 'A'}${key.slice(at + 1)}`;
}

describe('isIssuable', () => {
  let store: InMemorySecretManager;

  beforeEach(() => {
    store = new InMemorySecretManager();
  });
  afterEach(closeApplications);

  it('accepts the keys of the service, without a call to the store', async () => {
    const keys = await keysOn(store);
    const { value } = await keys.create({ id: '1' });
    const { value: next } = await keys.rotate({ id: '1' });
    const before = store.calls.length;

    expect([keys.isIssuable(value), keys.isIssuable(next)]).toEqual([true, true]);
    expect(store.calls).toHaveLength(before);
  });

  it('refuses made-up keys, wherever they differ', async () => {
    const keys = await keysOn(store);
    const { value } = await keys.create({ id: '1' });
    const stranger = await (await keysOn(new InMemorySecretManager())).create({ id: '1' });

    const madeUp = [
      ...[3, 20, 45, 46, 60].map((at) => altered(value, at)),
      stranger.value,
      value.slice(0, -1),
      `${value}A`,
      ` ${value}`,
      'sk-made-up',
      '',
      undefined as never,
    ];

    expect(madeUp.filter((candidate) => keys.isIssuable(candidate))).toEqual([]);
  });

  it('accepts a generated key, before and after it is stored', async () => {
    const keys = await keysOn(store);

    const value = await keys.generate();
    const before = keys.isIssuable(value);
    await keys.create({ id: '1', value });

    expect([before, keys.isIssuable(value)]).toEqual([true, true]);
    expect(await keys.verify({ id: '1' }, value)).toBe(true);
    expect(await keys.generate()).not.toBe(value);
  });

  it('generates a key that every instance on the store accepts', async () => {
    const [one, other] = [await keysOn(store), await keysOn(store)];

    const values = await Promise.all([one.generate(), other.generate()]);

    expect(values.map((value) => one.isIssuable(value))).toEqual([true, true]);
  });

  it('generates no key if virtual keys are not permitted', async () => {
    const keys = await keysOn(store, { storeVirtualKeys: false });

    const error = await failureOf(keys.generate());

    expect(error).toMatchObject({ code: 'NOT_PERMITTED', operation: 'generate' });
    expect(store.calls).toEqual([]);
  });

  it('refuses keys with a chosen value', async () => {
    const keys = await keysOn(store);
    await keys.create({ id: '1', value: 'sk-chosen' });

    expect(keys.isIssuable('sk-chosen')).toBe(false);
    expect(await keys.verify({ id: '1' }, 'sk-chosen')).toBe(true);
  });

  it('creates the signing key once, below the prefix, and never overwrites one', async () => {
    const [one, other] = [await keysOn(store), await keysOn(store)];

    const made = await Promise.all([one.create({ id: '1' }), other.create({ id: '2' })]);

    const writes = store.calls.filter(({ secretName }) => secretName?.includes('signing-key'));
    expect(new Set(writes.map(({ secretName }) => secretName))).toEqual(
      new Set(['litellm/service/signing-key']),
    );
    for (const { value } of made) {
      expect([one.isIssuable(value), other.isIssuable(value)]).toEqual([true, true]);
    }
  });

  it('works on another instance, and after a restart', async () => {
    const { value } = await (await keysOn(store)).create({ id: '1' });
    const keys = await keysOn(store);

    keys.isIssuable(value); // begins to read the signing key
    await turn();

    expect([keys.isIssuable(value), keys.isIssuable(altered(value, 60))]).toEqual([true, false]);
  });

  it('checks only the form until the signing key has been read', async () => {
    const { value } = await (await keysOn(store)).create({ id: '1' });
    const keys = await keysOn(store);
    store.fail('unavailable');

    expect([keys.isIssuable(altered(value, 60)), keys.isIssuable('sk-made-up')]).toEqual([
      true,
      false,
    ]);
    await turn();
  });

  it('accepts keys of a replaced signing key, and those of the one before', async () => {
    const [one, other] = [await keysOn(store), await keysOn(store)];
    const { value: before } = await one.create({ id: '1' });
    store.remove('litellm/service/signing-key');
    const { value: after } = await other.create({ id: '2' });

    one.isIssuable(after); // starts another read of the signing key
    await turn();

    expect([one.isIssuable(after), one.isIssuable(before)]).toEqual([true, true]);
  });

  it('reads the signing key at most once a second, however many keys are made up', async () => {
    const keys = await keysOn(store);
    const { value } = await keys.create({ id: '1' });
    const before = store.calls.length;

    for (let at = 4; at < 44; at++) keys.isIssuable(altered(value, at));
    await turn();

    expect(store.calls.length - before).toBeLessThanOrEqual(1);
  });

  it('separates the stores of tenants', async () => {
    const keys = await keysOn(store);
    const { value } = await keys.create({ id: '1' }, { params: { mount: 'a' } });

    expect(keys.isIssuable(value, { params: { mount: 'a' } })).toBe(true);
    const reads = store.calls.filter(({ secretName }) => secretName?.includes('signing-key'));
    expect(reads.map(({ options }) => options?.params)).toEqual(reads.map(() => ({ mount: 'a' })));
  });

  it('is not permitted if no virtual keys are stored', async () => {
    const keys = await keysOn(store, { storeVirtualKeys: false });

    const error = await failureOf(() => keys.isIssuable('sk-any'));

    expect(error.code).toBe('NOT_PERMITTED');
  });

  it('refuses to sign with an empty key', async () => {
    store.rotate('litellm/service/signing-key', '');
    const keys = await keysOn(store);

    const error = await failureOf(keys.create({ id: '1' }));

    expect(error).toMatchObject({
      code: 'MALFORMED',
      secretName: 'litellm/service/signing-key',
    });
  });
});

describe('a flood of made-up virtual keys', () => {
  afterEach(closeApplications);

  it('opens no circuit and uses up no retry of application secrets', async () => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { app, secrets } = await startWith(store, {
      settings: { storeVirtualKeys: true },
      retry: { baseDelayMs: 1 },
      cache: false,
    });
    const keys = app.get(VirtualKeysService);
    store.fail('throttled', { secretName: 'litellm/virtual-key-0' });
    for (let index = 0; index < 20; index++) {
      store.fail('throttled', { secretName: `litellm/virtual-key-${index}` });
      await failureOf(keys.verify({ id: String(index) }, 'sk-made-up'));
    }
    store.fail('unavailable', { secretName: 'KEY', times: 2 });

    expect(secrets.circuitState).toBe('closed');
    expect(await secrets.get('KEY')).toBe('value');
  });
});
