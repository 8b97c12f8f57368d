import {
  CustomSecretManager,
  SecretManagerError,
  SecretManagerModule,
  SecretsService,
  VirtualKeysService,
  getVirtualKeysServiceToken,
  type SecretManagerModuleOptions,
  type WriteOptions,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication } from '../support/application';
import { everythingOf, failureOf, leaks } from '../support/failure-of';

const ALICE = { id: 'id-1', alias: 'alice' };
const WEEK_MS = 7 * 86_400_000;

async function keysOn(
  manager: CustomSecretManager,
  settings: SecretManagerModuleOptions['settings'] = {},
  options: SecretManagerModuleOptions = {},
): Promise<VirtualKeysService> {
  const app = await startApplication({
    imports: [
      SecretManagerModule.forRoot({
        manager: { useValue: manager },
        environment: {},
        settings: { storeVirtualKeys: true, ...settings },
        retry: false,
        ...options,
      }),
    ],
  });
  return app.get(VirtualKeysService);
}

const valueIn = async (store: InMemorySecretManager, name: string): Promise<string | undefined> =>
  (await store.readSecret(name))?.value;

describe('a virtual key', () => {
  let store: InMemorySecretManager;

  beforeEach(() => {
    store = new InMemorySecretManager();
  });

  afterEach(closeApplications);

  describe('that is created', () => {
    it('has 256 random bits, and is stored under its alias', async () => {
      const keys = await keysOn(store);

      const { storedName, value } = await keys.create(ALICE);

      expect(storedName).toBe('litellm/alice');
      expect(value).toMatch(/^sk-[\w-]{65}$/);
      expect(await valueIn(store, 'litellm/alice')).toBe(value);
    });

    it('is stored under its id if it has no alias, or an empty one', async () => {
      const keys = await keysOn(store, { prefixForStoredVirtualKeys: 'keys' });

      const names = [await keys.create({ id: '1' }), await keys.create({ id: '2', alias: '' })];

      expect(names.map(({ storedName }) => storedName)).toEqual([
        'keys/virtual-key-1',
        'keys/virtual-key-2',
      ]);
    });

    it('is created once by concurrent calls, even if the manager ignores createOnly', async () => {
      class Overwriting extends InMemorySecretManager {
        override writeSecret(name: string, value: string) {
          return super.writeSecret(name, value);
        }
      }
      const keys = await keysOn(new Overwriting());

      const made = await Promise.allSettled([keys.create(ALICE), keys.create(ALICE)]);

      expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(made.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { code: 'CONFLICT' },
      });
    });

    it('accepts a given value', async () => {
      const keys = await keysOn(store);

      const { value } = await keys.create({ ...ALICE, value: 'sk-given' });

      expect(value).toBe('sk-given');
    });

    it('has the description and tags of the settings, and those of the call', async () => {
      const keys = await keysOn(store, {
        description: 'of the gateway',
        tags: { env: 'test', team: 'a' },
      });

      await keys.create(ALICE, { tags: { team: 'b' } });

      const description = await store.describeSecret('litellm/alice');
      expect(description).toEqual({
        description: 'of the gateway',
        tags: { env: 'test', team: 'b' },
      });
    });

    it.each(['read_only', 'write_only', 'read_and_write'] as const)(
      'is permitted under accessMode %s, and if no application secret is hosted',
      async (accessMode) => {
        const keys = await keysOn(store, { accessMode, hostedKeys: [] });

        const { value } = await keys.create(ALICE);

        expect(await keys.verify(ALICE, value)).toBe(true);
      },
    );

    it('is refused if its alias is taken, and the other key stays', async () => {
      const keys = await keysOn(store);
      const first = await keys.create(ALICE);

      const { code } = await failureOf(keys.create({ id: 'id-2', alias: 'alice' }));

      expect(code).toBe('CONFLICT');
      expect(await keys.verify(ALICE, first.value)).toBe(true);
    });

    it('is refused if its alias is taken, even if the store ignores createOnly', async () => {
      class Overwriting extends InMemorySecretManager {
        override writeSecret(name: string, value: string) {
          return super.writeSecret(name, value);
        }
      }
      const keys = await keysOn(new Overwriting({ 'litellm/alice': 'sk-first' }));

      const { code } = await failureOf(keys.create(ALICE));

      expect(code).toBe('CONFLICT');
    });

    it('is created by one of two concurrent instances', async () => {
      const [one, other] = [await keysOn(store), await keysOn(store)];

      const outcomes = await Promise.allSettled([one.create(ALICE), other.create(ALICE)]);

      const lost = outcomes.filter(({ status }) => status === 'rejected');
      expect(lost).toEqual([
        expect.objectContaining({
          reason: expect.objectContaining({ code: 'CONFLICT' }) as object,
        }),
      ]);
    });

    it.each<[string, object, string]>([
      ['a slash in the alias', { id: '1', alias: 'team/alice' }, 'has a slash'],
      ['an alias that leads elsewhere', { id: '1', alias: '..' }, '".." part'],
      ['the alias of a key without alias', { id: '1', alias: 'virtual-key-2' }, 'virtual-key-'],
      ['a slash in the id', { id: 'a/b' }, 'has a slash'],
      ['no id', {}, 'must be a string'],
      ['an empty id', { id: '' }, 'is empty'],
      ['an empty value', { id: '1', value: '' }, 'must not be empty'],
      ['a value that is no string', { id: '1', value: 7 }, 'must be a string'],
      ['too long a name', { id: 'x'.repeat(490) }, 'longer than'],
    ])('must not have %s', async (_, key, problem) => {
      const keys = await keysOn(store);

      const { code, message } = await failureOf(keys.create(key as never));

      expect([code, message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining(problem)]);
      expect(store.calls).toEqual([]);
    });

    it('fails if the store fails, and discloses no key', async () => {
      const keys = await keysOn(store);
      store.fail('denied', { operation: 'writeSecret' });

      const error = await failureOf(keys.create({ ...ALICE, value: 'sk-canary-4f1d2b' }));

      expect(error.code).toBe('ACCESS_DENIED');
      expect(leaks(everythingOf(error), 'sk-canary-4f1d2b')).toBe(false);
    });
  });

  describe('that may not or cannot be stored', () => {
    it('is NOT_PERMITTED without storeVirtualKeys, before any call', async () => {
      const keys = await keysOn(store, { storeVirtualKeys: false, accessMode: 'read_and_write' });

      const calls = [
        () => keys.create(ALICE),
        () => keys.verify(ALICE, 'sk-x'),
        () => keys.rotate(ALICE),
        () => keys.rename(ALICE, { alias: 'bob' }),
        () => keys.delete([ALICE]),
      ];
      const failures = await Promise.all(calls.map(failureOf));

      expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['NOT_PERMITTED']));
      expect(store.calls).toEqual([]);
    });

    it('works on a store that refuses descriptions', async () => {
      class Undescribed extends InMemorySecretManager {
        override writeSecret(name: string, value: string, options?: WriteOptions) {
          if (options?.description === undefined) return super.writeSecret(name, value, options);
          throw new SecretManagerError('UNSUPPORTED', 'It keeps no description.');
        }
      }
      const keys = await keysOn(new Undescribed());

      const { value } = await keys.create(ALICE);

      await expect(keys.verify(ALICE, value)).resolves.toBe(true);
    });

    it('is UNSUPPORTED by a manager that does not write, before any call', async () => {
      let reads = 0;
      class ReadOnly extends CustomSecretManager {
        override readSecret(): Promise<undefined> {
          reads += 1;
          return Promise.resolve(undefined);
        }
      }
      const keys = await keysOn(new ReadOnly());

      const calls = [
        () => keys.create(ALICE),
        () => keys.rotate(ALICE),
        () => keys.delete([ALICE]),
      ];
      const failures = await Promise.all(calls.map(failureOf));

      expect(failures.map(({ code }) => code)).toEqual([
        'UNSUPPORTED',
        'UNSUPPORTED',
        'UNSUPPORTED',
      ]);
      expect(reads).toBe(0);
    });
  });

  describe('that is verified', () => {
    it.each<[string, unknown, boolean]>([
      ['itself', 'sk-right', true],
      ['another one', 'sk-wrong', false],
      ['the beginning of it', 'sk-righ', false],
      ['nothing', undefined, false],
      ['an empty one', '', false],
    ])('against %s', async (_, candidate, expected) => {
      const keys = await keysOn(store);
      await keys.create({ ...ALICE, value: 'sk-right' });

      expect(await keys.verify(ALICE, candidate as string)).toBe(expected);
    });

    it('is refused if it was never stored', async () => {
      const keys = await keysOn(store);

      expect(await keys.verify(ALICE, 'sk-any')).toBe(false);
    });

    it('asks the store once for any number of verifications', async () => {
      store.rotate('litellm/alice', 'sk-right');
      const keys = await keysOn(store);

      await Promise.all(Array.from({ length: 50 }, () => keys.verify(ALICE, 'sk-right')));
      await keys.verify(ALICE, 'sk-right');

      expect(store.calls.filter(({ operation }) => operation === 'readSecret')).toHaveLength(1);
    });

    it('works while the store is down, and fails if it was never read', async () => {
      const keys = await keysOn(store);
      await keys.create({ ...ALICE, value: 'sk-right' });
      store.fail('unavailable');

      const { code } = await failureOf(keys.verify({ id: 'id-2' }, 'sk-any'));

      expect(await keys.verify(ALICE, 'sk-right')).toBe(true);
      expect(code).toBe('UNAVAILABLE');
    });

    it('is verified by another instance right after a rotation', async () => {
      const [one, other] = [await keysOn(store), await keysOn(store)];
      const first = await one.create(ALICE);
      await other.verify(ALICE, first.value);

      const second = await one.rotate(ALICE, {}, { overlapMs: WEEK_MS });

      const verified = [
        await other.verify(ALICE, second.value),
        await other.verify(ALICE, first.value),
      ];
      expect(verified).toEqual([true, true]);
    });

    it('is read again at most once a second, however many others are tried', async () => {
      const keys = await keysOn(store);
      store.rotate('litellm/alice', 'sk-right');
      await keys.verify(ALICE, 'sk-right');

      for (let guess = 0; guess < 20; guess++) await keys.verify(ALICE, `sk-${guess}`);

      const reads = store.calls.filter(({ secretName }) => secretName === 'litellm/alice');
      expect(reads.length).toBeLessThanOrEqual(3);
    });

    it('does not enter the cache of application secrets', async () => {
      const app = await startApplication({
        imports: [
          SecretManagerModule.forRoot({
            manager: { useValue: store },
            environment: {},
            settings: { storeVirtualKeys: true, hostedKeys: [] },
          }),
        ],
      });
      const keys = app.get(VirtualKeysService);
      const { value } = await keys.create(ALICE);
      await keys.verify(ALICE, value);

      const seen = await app.get(SecretsService).get('litellm/alice');

      expect(seen).toBeUndefined();
    });
  });

  describe('that is rotated', () => {
    it('has a new value under its name, and its description and tags', async () => {
      const keys = await keysOn(store);
      const first = await keys.create(ALICE, { description: 'of Alice', tags: { team: 'a' } });

      const second = await keys.rotate(ALICE);

      expect(second.storedName).toBe('litellm/alice');
      expect([
        await keys.verify(ALICE, first.value),
        await keys.verify(ALICE, second.value),
      ]).toEqual([false, true]);
      expect(await store.describeSecret('litellm/alice')).toEqual({
        description: 'of Alice',
        tags: { team: 'a' },
      });
    });

    it('can get another alias at the same time', async () => {
      const keys = await keysOn(store);
      await keys.create(ALICE, { tags: { team: 'a' } });

      const { storedName, value } = await keys.rotate(ALICE, { alias: 'bob', value: 'sk-bob' });

      expect([storedName, value]).toEqual(['litellm/bob', 'sk-bob']);
      expect(await valueIn(store, 'litellm/alice')).toBeUndefined();
      expect(await store.describeSecret('litellm/bob')).toMatchObject({ tags: { team: 'a' } });
    });

    it('is NOT_FOUND if it was never stored, and nothing is written', async () => {
      const keys = await keysOn(store);

      const { code } = await failureOf(keys.rotate(ALICE));

      expect(code).toBe('NOT_FOUND');
      expect(store.calls.some(({ operation }) => operation === 'writeSecret')).toBe(false);
    });

    it('is a CONFLICT if the new alias is taken, and nothing is changed', async () => {
      store.rotate('litellm/alice', 'sk-alice');
      store.rotate('litellm/bob', 'sk-bob');
      const keys = await keysOn(store);

      const { code } = await failureOf(keys.rotate(ALICE, { alias: 'bob' }));

      expect(code).toBe('CONFLICT');
      expect([await valueIn(store, 'litellm/alice'), await valueIn(store, 'litellm/bob')]).toEqual([
        'sk-alice',
        'sk-bob',
      ]);
    });

    it('reports the completed steps if a step fails, and can be rotated again', async () => {
      store.rotate('litellm/alice', 'sk-alice');
      const keys = await keysOn(store);
      store.fail('unavailable', { operation: 'deleteSecret' });

      const error = await failureOf(keys.rotate(ALICE, { alias: 'bob', value: 'sk-new' }));

      expect(error).toMatchObject({ code: 'ROTATION_INCOMPLETE', done: ['written', 'verified'] });
      expect(await valueIn(store, 'litellm/alice')).toBe('sk-alice');
    });

    it('is rotated by one call after the other', async () => {
      const keys = await keysOn(store);
      await keys.create(ALICE);

      const rotated = await Promise.all([
        keys.rotate(ALICE),
        keys.rotate(ALICE),
        keys.rotate(ALICE),
      ]);

      const stored = await valueIn(store, 'litellm/alice');
      expect(rotated.at(-1)?.value).toBe(stored);
    });
  });

  describe('that overlaps with the one that replaces it', () => {
    afterEach(() => jest.useRealTimers());

    it('is verified by every instance until the overlap ends', async () => {
      jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
      const keys = await keysOn(store);
      const first = await keys.create(ALICE);

      const second = await keys.rotate(ALICE, {}, { overlapMs: WEEK_MS });
      const another = await keysOn(store);
      const during = await Promise.all([
        another.verify(ALICE, first.value),
        another.verify(ALICE, second.value),
      ]);
      jest.setSystemTime(Date.now() + WEEK_MS);
      const after = await Promise.all([
        another.verify(ALICE, first.value),
        another.verify(ALICE, second.value),
      ]);

      expect([during, after]).toEqual([
        [true, true],
        [false, true],
      ]);
    });

    it('is remembered only by its digest', async () => {
      const keys = await keysOn(store);
      await keys.create({ ...ALICE, value: 'sk-canary-77aa01bc' });

      await keys.rotate(ALICE, {}, { overlapMs: 60_000 });

      const record = await valueIn(store, 'litellm/previous/alice');
      expect(JSON.parse(record ?? '')).toEqual([
        expect.objectContaining({ validUntil: expect.any(String) as string }),
      ]);
      expect(leaks(record ?? '', 'sk-canary-77aa01bc')).toBe(false);
    });

    it('is not verified after the key is deleted and created again', async () => {
      const keys = await keysOn(store);
      const first = await keys.create(ALICE);
      await keys.rotate(ALICE, {}, { overlapMs: WEEK_MS });

      await keys.delete([ALICE]);
      await keys.create(ALICE);

      expect(await keys.verify(ALICE, first.value)).toBe(false);
    });

    it.each([-1, NaN, Infinity, 1e300, '60000'])(
      'needs an overlap that is a time, not %p',
      async (overlapMs) => {
        const keys = await keysOn(store);

        const { code } = await failureOf(
          keys.rotate(ALICE, {}, { overlapMs: overlapMs as number }),
        );

        expect(code).toBe('INVALID_ARGUMENT');
      },
    );

    it('is verified to the end of its own overlap, however often the key is rotated meanwhile', async () => {
      const keys = await keysOn(store);
      const first = await keys.create(ALICE);
      const second = await keys.rotate(ALICE, {}, { overlapMs: WEEK_MS });

      await keys.rotate(ALICE, {}, { overlapMs: WEEK_MS });

      const verified = [
        await keys.verify(ALICE, first.value),
        await keys.verify(ALICE, second.value),
      ];
      expect(verified).toEqual([true, true]);
    });

    it('is still verified if the next rotation fails', async () => {
      const keys = await keysOn(store);
      const first = await keys.create(ALICE);
      await keys.rotate(ALICE, {}, { overlapMs: WEEK_MS });
      store.fail('denied', { operation: 'writeSecret', secretName: 'litellm/alice' });

      await failureOf(keys.rotate(ALICE, {}, { overlapMs: WEEK_MS }));

      expect(await keys.verify(ALICE, first.value)).toBe(true);
    });

    it('leaves no record behind when the key is deleted', async () => {
      const keys = await keysOn(store);
      await keys.create(ALICE);
      await keys.rotate(ALICE, {}, { overlapMs: WEEK_MS });

      await keys.delete([ALICE]);

      expect(await valueIn(store, 'litellm/previous/alice')).toBeUndefined();
    });

    it('leaves no record behind that another instance wrote', async () => {
      const [keys, other] = [await keysOn(store), await keysOn(store)];
      const { value } = await keys.create(ALICE);
      await keys.verify(ALICE, `${value}x`); // caches the absence of the record
      await other.rotate(ALICE, {}, { overlapMs: WEEK_MS });

      await keys.delete([ALICE]);

      expect(await valueIn(store, 'litellm/previous/alice')).toBeUndefined();
    });
  });

  describe('that is renamed', () => {
    it('keeps its value, description and tags', async () => {
      const keys = await keysOn(store);
      const { value } = await keys.create(ALICE, { description: 'd', tags: { t: '1' } });

      const renamed = await keys.rename(ALICE, { alias: 'bob' });

      expect(renamed).toEqual({ storedName: 'litellm/bob', value });
      expect(await store.describeSecret('litellm/bob')).toEqual({
        description: 'd',
        tags: { t: '1' },
      });
      expect(await keys.verify(ALICE, value)).toBe(false);
    });

    it('loses its alias if that is requested, but not if `alias` is missing', async () => {
      const keys = await keysOn(store);
      await keys.create(ALICE);

      const { code } = await failureOf(keys.rename(ALICE, {} as never));
      const { storedName } = await keys.rename(ALICE, { alias: null });

      expect([code, storedName]).toEqual(['INVALID_ARGUMENT', 'litellm/virtual-key-id-1']);
    });

    it('keeps its overlap', async () => {
      const keys = await keysOn(store);
      const first = await keys.create(ALICE);
      await keys.rotate(ALICE, {}, { overlapMs: WEEK_MS });

      await keys.rename(ALICE, { alias: 'bob' });

      expect(await keys.verify({ id: 'id-1', alias: 'bob' }, first.value)).toBe(true);
    });

    it('continues an interrupted renaming when it is retried', async () => {
      const keys = await keysOn(store);
      const { value } = await keys.create(ALICE);
      store.fail('unavailable', { operation: 'deleteSecret' });
      await failureOf(keys.rename(ALICE, { alias: 'bob' }));

      store.heal();
      const renamed = await keys.rename(ALICE, { alias: 'bob' });

      expect(renamed).toEqual({ storedName: 'litellm/bob', value });
      expect(await valueIn(store, 'litellm/alice')).toBeUndefined();
    });

    it('is not restored by a renaming in flight when it is deleted', async () => {
      const keys = await keysOn(store);
      const { value } = await keys.create(ALICE);
      store.delay(5);

      const outcomes = await Promise.allSettled([
        keys.rename(ALICE, { alias: 'bob' }),
        keys.delete([ALICE, { id: 'id-1', alias: 'bob' }]),
      ]);

      store.delay(0);
      expect(outcomes[1].status).toBe('fulfilled');
      expect(await keys.verify({ id: 'id-1', alias: 'bob' }, value)).toBe(false);
    });

    it('is a CONFLICT for a taken alias', async () => {
      store.rotate('litellm/alice', 'sk-alice');
      store.rotate('litellm/bob', 'sk-bob');
      const keys = await keysOn(store);

      const { code } = await failureOf(keys.rename(ALICE, { alias: 'bob' }));

      expect(code).toBe('CONFLICT');
      expect(await valueIn(store, 'litellm/alice')).toBe('sk-alice');
    });
  });

  describe('that is deleted among many', () => {
    it('is reported by its id, whatever the outcome of the others', async () => {
      for (const name of ['alice', 'bob', 'carol']) store.rotate(`litellm/${name}`, 'sk');
      const keys = await keysOn(store);
      store.fail('denied', { operation: 'deleteSecret', secretName: 'litellm/bob' });

      const outcomes = await keys.delete([
        ALICE,
        { id: 'id-2', alias: 'bob' },
        { id: 'id-3', alias: 'carol' },
        { id: 'id-4', alias: '../x' },
        { id: 'id-5', alias: 'never stored' },
      ]);

      expect([...outcomes].map(([id, error]) => [id, error?.code])).toEqual([
        ['id-1', undefined],
        ['id-2', 'ACCESS_DENIED'],
        ['id-3', undefined],
        ['id-4', 'INVALID_ARGUMENT'],
        ['id-5', undefined],
      ]);
    });

    it('is no longer verified', async () => {
      const keys = await keysOn(store);
      const { value } = await keys.create(ALICE);

      await keys.delete([ALICE]);

      expect(await keys.verify(ALICE, value)).toBe(false);
    });

    it('keeps its failure if the same id is deleted under another alias', async () => {
      for (const name of ['p', 'q']) store.rotate(`litellm/${name}`, 'sk');
      const keys = await keysOn(store);
      store.fail('denied', { operation: 'deleteSecret', secretName: 'litellm/p' });

      const outcomes = await keys.delete([
        { id: '9', alias: 'p' },
        { id: '9', alias: 'q' },
      ]);

      expect(outcomes.get('9')?.code).toBe('ACCESS_DENIED');
    });

    it('must be in a list', async () => {
      const keys = await keysOn(store);

      const { code } = await failureOf(keys.delete(ALICE as never));

      expect(code).toBe('INVALID_ARGUMENT');
    });
  });

  it('and the application secret of its name are one secret of the store', async () => {
    const app = await startApplication({
      imports: [
        SecretManagerModule.forRoot({
          manager: { useValue: store },
          environment: {},
          settings: { storeVirtualKeys: true, accessMode: 'read_and_write' },
        }),
      ],
    });
    const [keys, secrets] = [app.get(VirtualKeysService), app.get(SecretsService)];
    const first = await keys.create(ALICE);
    const before = await secrets.get('litellm/alice');

    const second = await keys.rotate(ALICE);
    const after = await secrets.get('litellm/alice');
    await secrets.delete('litellm/alice');

    expect([before, after]).toEqual([first.value, second.value]);
    expect(await keys.verify(ALICE, second.value)).toBe(false);
  });

  it('is dropped from its cache by invalidate()', async () => {
    const app = await startApplication({
      imports: [
        SecretManagerModule.forRoot({
          manager: { useValue: store },
          environment: {},
          settings: { storeVirtualKeys: true },
        }),
      ],
    });
    const keys = app.get(VirtualKeysService);
    const { value } = await keys.create(ALICE);
    store.remove('litellm/alice');

    app.get(SecretsService).invalidate('litellm/alice');

    expect(await keys.verify(ALICE, value)).toBe(false);
  });

  it('is reached with the params of its team in every call', async () => {
    const keys = await keysOn(store);
    const params = { mount: 'team-a' };

    await keys.create(ALICE, { params });
    await keys.verify(ALICE, 'sk-x', { params });
    await keys.find(ALICE, { params, maxAgeMs: 0 });
    await keys.rotate(ALICE, { alias: 'bob' }, { params, overlapMs: 1_000 });
    await keys.rename({ id: 'id-1', alias: 'bob' }, { alias: 'carol' }, { params });
    await keys.delete([{ id: 'id-1', alias: 'carol' }], { params });

    const calls = store.calls.filter(({ secretName }) => secretName !== undefined);
    expect(calls.length).toBeGreaterThan(10);
    for (const { options } of calls) expect(options?.params).toEqual(params);
  });

  it('of a named manager has its own service', async () => {
    const app = await startApplication({
      imports: [
        SecretManagerModule.forRoot({
          name: 'payments',
          manager: { useValue: store },
          settings: { storeVirtualKeys: true },
        }),
      ],
    });

    const keys = app.get<VirtualKeysService>(getVirtualKeysServiceToken('payments'));

    expect((await keys.create(ALICE)).storedName).toBe('litellm/alice');
  });
});
