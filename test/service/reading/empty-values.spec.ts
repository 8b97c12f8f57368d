import type {
  GetOptions,
  SecretManagerModuleOptions,
  SecretsService,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../../support/application';
import { failureOf } from '../../support/failure-of';

const SOURCES: readonly [string, () => InMemorySecretManager, SecretManagerModuleOptions][] = [
  ['the manager', () => new InMemorySecretManager({ KEY: '' }), {}],
  ['the environment', () => new InMemorySecretManager(), { environment: { KEY: '' } }],
  [
    'the environment of a name that is not hosted',
    () => new InMemorySecretManager(),
    { environment: { KEY: '' }, settings: { hostedKeys: [] } },
  ],
  [
    'a primary secret',
    () => new InMemorySecretManager({ ALL: '{"KEY": ""}' }),
    { settings: { primarySecretName: 'ALL' } },
  ],
  ['the manager without a cache', () => new InMemorySecretManager({ KEY: '' }), { cache: false }],
];

const REQUIRED: readonly [string, (secrets: SecretsService, name: string) => unknown][] = [
  ['getOrThrow', (secrets, name) => secrets.getOrThrow(name)],
  ['getOrThrow with options', (secrets, name) => secrets.getOrThrow(name, { timeoutMs: 500 })],
  [
    'getOrThrow with a default',
    (secrets, name) => secrets.getOrThrow(name, { default: 'x' } as GetOptions),
  ],
  [
    'getOrThrow with allowEmpty off',
    (secrets, name) => secrets.getOrThrow(name, { allowEmpty: false }),
  ],
  ['getOrThrow past the cache', (secrets, name) => secrets.getOrThrow(name, { maxAgeMs: 0 })],
  ['reveal', (secrets, name) => secrets.secret(name).reveal()],
  ['get of a handle', (secrets, name) => secrets.secret(name).get()],
  ['get of a handle with options', (secrets, name) => secrets.secret(name).get({ maxAgeMs: 0 })],
];

describe('an empty value', () => {
  afterEach(closeApplications);

  describe.each(SOURCES)('of %s', (_, store, options) => {
    it.each(REQUIRED)('is refused by %s, cold and cached', async (_call, call) => {
      const { secrets } = await startWith(store(), options);

      for (const name of ['KEY', 'os.environ/KEY', 'KEY']) {
        const error = await failureOf(() => call(secrets, name));

        expect(error).toMatchObject({ code: 'MALFORMED', secretName: 'KEY', retryable: false });
        expect(error.message).toMatch(/"KEY" is empty.*allowEmpty: true/);
      }
    });

    it('is a value for get, getSync and getMany', async () => {
      const { secrets } = await startWith(store(), options);

      const values = [
        await secrets.get('KEY'),
        await secrets.get('KEY', { default: 'x' }),
        secrets.getSync('KEY'),
        (await secrets.getMany(['KEY'])).get('KEY'),
      ];

      expect(values).toEqual(['', '', '', { value: '' }]);
    });

    it('is a value if the call allows it', async () => {
      const { secrets } = await startWith(store(), options);
      const handle = secrets.secret('KEY', { allowEmpty: true });

      const values = [
        await secrets.getOrThrow('KEY', { allowEmpty: true }),
        await secrets.secret('KEY').get({ allowEmpty: true }),
        handle.reveal(),
        await handle.get(),
        await handle.get({ maxAgeMs: 0 }),
      ];

      expect(values).toEqual(['', '', '', '', '']);
      await expect(failureOf(handle.get({ allowEmpty: false }))).resolves.toMatchObject({
        code: 'MALFORMED',
      });
    });

    it.each<[string, object]>([
      ['by its name', {}],
      ['as optional', { optional: true }],
    ])('prevents the start if it is preloaded %s', async (_way, item) => {
      const preload = [{ name: 'KEY', ...item }];

      const error = await failureOf(startWith(store(), { ...options, preload }));

      expect(error).toMatchObject({ code: 'MALFORMED', operation: 'preload', secretName: 'KEY' });
      expect(error.message).toMatch(/"KEY" is empty/);
    });

    it.each<[string, object]>([
      ['alone', { allowEmpty: true }],
      ['and optional', { allowEmpty: true, optional: true }],
    ])('may be preloaded if the item allows it, %s', async (_way, item) => {
      const preload = [{ name: 'KEY', ...item }];

      const { secrets } = await startWith(store(), { ...options, preload });

      expect(secrets.getSync('KEY')).toBe('');
      expect((await failureOf(() => secrets.secret('KEY').reveal())).code).toBe('MALFORMED');
    });
  });

  it('is reported at start in one error with missing and denied secrets', async () => {
    const store = new InMemorySecretManager({ EMPTY: '', FULL: 'x', DENIED: 'x', ALLOWED: '' });
    store.fail('denied', { secretName: 'DENIED' });

    const error = await failureOf(
      startWith(store, {
        preload: [
          'MISSING',
          'EMPTY',
          'FULL',
          'DENIED',
          { name: 'ALLOWED', allowEmpty: true },
          { name: 'ABSENT', optional: true },
        ],
      }),
    );

    const [, ...problems] = error.message.split('\n- ');
    expect(problems).toEqual([
      expect.stringMatching(/"MISSING" was not found/),
      expect.stringMatching(/"EMPTY" is empty/),
      expect.stringContaining('was told to fail'),
    ]);
  });

  it('from a rotation is refused from then on', async () => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store, { preload: ['KEY'] });
    const handle = secrets.secret('KEY');
    expect(handle.reveal()).toBe('value');

    store.rotate('KEY', '');
    await secrets.refresh('KEY');

    const errors = [
      await failureOf(() => handle.reveal()),
      await failureOf(handle.get()),
      await failureOf(secrets.getOrThrow('KEY')),
    ];
    expect(errors.map(({ code }) => code)).toEqual(['MALFORMED', 'MALFORMED', 'MALFORMED']);
    await expect(secrets.get('KEY')).resolves.toBe('');

    store.rotate('KEY', 'next');
    await secrets.refresh('KEY');

    expect(handle.reveal()).toBe('next');
  });

  it.each([['yes'], [1], [null]])('is not allowed by %p', async (allowEmpty) => {
    const { secrets } = await startWith(new InMemorySecretManager({ KEY: 'value' }));

    const error = await failureOf(secrets.getOrThrow('KEY', { allowEmpty } as never));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(error.message).toContain('`allowEmpty`');
  });
});
