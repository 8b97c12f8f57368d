import { Injectable } from '@nestjs/common';
import {
  InjectVirtualKeys,
  SecretManagerModule,
  SecretsService,
  VirtualKeysService,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';
import { failureOf } from '../support/failure-of';

const ALICE = { id: 'id-1', alias: 'alice' };
const BY_ID = { id: 'id-2' };

describe('VirtualKeysService.find', () => {
  let store: InMemorySecretManager;

  beforeEach(() => {
    store = new InMemorySecretManager({
      'litellm/alice': 'sk-alice',
      'litellm/virtual-key-id-2': 'sk-by-id',
    });
  });

  afterEach(closeApplications);

  async function start({ settings, ...options }: SecretManagerModuleOptions = {}) {
    const app = await startApplication({
      imports: [
        SecretManagerModule.forRoot({
          manager: { useValue: store },
          environment: { 'litellm/bob': 'of the environment' },
          settings: { storeVirtualKeys: true, ...settings },
          retry: false,
          ...options,
        }),
      ],
    });
    return { keys: app.get(VirtualKeysService), secrets: app.get(SecretsService) };
  }

  const readNames = (): (string | undefined)[] =>
    store.calls
      .filter(({ operation }) => operation === 'readSecret')
      .map(({ secretName }) => secretName);

  it.each([
    ['by its alias', ALICE, 'sk-alice'],
    ['by its id', BY_ID, 'sk-by-id'],
    ['by its id if the alias is empty', { ...BY_ID, alias: '' }, 'sk-by-id'],
    ['by its id if the alias is null', { ...BY_ID, alias: null }, 'sk-by-id'],
  ])('resolves to the stored value of a key %s', async (_, key, value) => {
    const { keys } = await start();

    expect(await keys.find(key)).toBe(value);
  });

  it('resolves to undefined for a missing key, whatever the environment and the fallback say', async () => {
    const { keys } = await start({ fallback: 'on-any-failure' });

    expect(await keys.find({ id: 'x', alias: 'bob' })).toBeUndefined();
  });

  it('finds an empty value of another application', async () => {
    store.rotate('litellm/alice', '');
    const { keys } = await start();

    expect(await keys.find(ALICE)).toBe('');
  });

  it.each(['read_only', 'write_only', 'read_and_write'] as const)(
    'is permitted under accessMode %s, and if no application secret is hosted',
    async (accessMode) => {
      const { keys } = await start({ settings: { accessMode, hostedKeys: [] } });

      expect(await keys.find(ALICE)).toBe('sk-alice');
    },
  );

  it('rejects with NOT_PERMITTED without storeVirtualKeys, before any call', async () => {
    const { keys } = await start({ settings: { storeVirtualKeys: false } });

    const error = await failureOf(keys.find(ALICE));

    expect(error).toMatchObject({ code: 'NOT_PERMITTED', operation: 'find' });
    expect(readNames()).toEqual([]);
  });

  it.each<[string, unknown, object | undefined]>([
    ['no key', undefined, undefined],
    ['a slash in the alias', { id: 'x', alias: 'a/b' }, undefined],
    ['no id', { alias: 'alice' }, undefined],
    ['a negative age', ALICE, { maxAgeMs: -1 }],
    ['no time', ALICE, { timeoutMs: 0 }],
    ['params that are not plain JSON', ALICE, { params: { at: new Date() } }],
    ['options that are null', ALICE, null as never],
  ])('rejects with INVALID_ARGUMENT for %s, before any call', async (_, key, options) => {
    const { keys } = await start();

    const error = await failureOf(keys.find(key as never, options));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'find' });
    expect(readNames()).toEqual([]);
  });

  it('shares the cache of the virtual keys, and asks the store with maxAgeMs 0', async () => {
    const { keys, secrets } = await start();
    await keys.find(ALICE);
    store.rotate('litellm/alice', 'sk-new');

    expect(await keys.find(ALICE)).toBe('sk-alice');
    expect(await keys.verify(ALICE, 'sk-alice')).toBe(true);
    expect(await keys.find(ALICE, { maxAgeMs: 0 })).toBe('sk-new');
    expect(readNames()).toEqual(['litellm/alice', 'litellm/alice']);
    expect(secrets.inspect()).toEqual([]);
  });

  it('resolves to the new value after a rotation, and to undefined after a deletion', async () => {
    const { keys } = await start();
    await keys.find(ALICE);

    const { value } = await keys.rotate(ALICE, {}, { overlapMs: 60_000 });
    const rotated = await keys.find(ALICE);
    await keys.delete([ALICE]);

    expect(rotated).toBe(value);
    expect(await keys.find(ALICE)).toBeUndefined();
  });

  it('rejects while the store is down, unless the cache holds the key', async () => {
    const { keys } = await start();
    await keys.find(ALICE);
    store.fail('unavailable');

    expect(await keys.find(ALICE)).toBe('sk-alice');
    expect(await failureOf(keys.find(BY_ID))).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await failureOf(keys.find(ALICE, { maxAgeMs: 0 }))).toMatchObject({
      code: 'UNAVAILABLE',
    });
  });

  it('ends at its deadline and when its caller aborts', async () => {
    store.fail('hanging');
    const { keys } = await start();
    const controller = new AbortController();

    const late = failureOf(keys.find(ALICE, { timeoutMs: 20 }));
    const aborted = failureOf(keys.find(BY_ID, { signal: controller.signal }));
    controller.abort();

    expect((await late).code).toBe('TIMEOUT');
    expect((await aborted).code).toBe('CANCELLED');
  });

  it('passes the params of a team', async () => {
    const { keys } = await start();

    await keys.find(ALICE, { params: { mount: 'team-a' } });

    expect(store.calls.at(-1)?.options?.params).toEqual({ mount: 'team-a' });
  });
});

describe('@InjectVirtualKeys', () => {
  afterEach(closeApplications);

  it('injects the virtual keys of each manager by its name', async () => {
    @Injectable()
    class Consumer {
      @InjectVirtualKeys() readonly asProperty?: VirtualKeysService;

      constructor(
        @InjectVirtualKeys() readonly unnamed: VirtualKeysService,
        @InjectVirtualKeys('billing') readonly billing: VirtualKeysService,
      ) {}
    }
    const managers = { unnamed: undefined, billing: 'billing' };
    const app = await startApplication({
      imports: Object.entries(managers).map(([value, name]) =>
        SecretManagerModule.forRoot({
          name,
          manager: { useFactory: () => new InMemorySecretManager({ 'litellm/alice': value }) },
          settings: { storeVirtualKeys: true },
        }),
      ),
      providers: [Consumer],
    });

    const { asProperty, unnamed, billing } = app.get(Consumer);

    expect([await unnamed.find(ALICE), await billing.find(ALICE)]).toEqual(['unnamed', 'billing']);
    expect(asProperty).toBe(unnamed);
  });
});
