import {
  CustomSecretManager,
  SecretManagerModule,
  type SecretsService,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication, startWith } from '../../support/application';
import { failureOf } from '../../support/failure-of';

const WRONG: readonly [string, string, string][] = [
  ['that is empty', '', '""'],
  ['that is only the prefix of a reference', 'os.environ/', '"os.environ/"'],
  ['with ..', 'a/../b', '"a/../b"'],
  ['that is ..', '..', '".."'],
  ['with .', 'a/./b', '"a/./b"'],
  ['with an empty segment', 'a//b', '"a//b"'],
  ['that begins with a slash', '/a', '"/a"'],
  ['that ends with a slash', 'a/', '"a/"'],
  ['with a percent sign', 'a/%2e%2e/b', '"a/%2e%2e/b"'],
  ['with a backslash', 'a\\..\\b', '"a\\\\..\\\\b"'],
  ['with a line break', 'a\nb', '"a\\nb"'],
  ['with NUL', 'a\0b', '"a\\u0000b"'],
  ['with DEL', 'a\u007fb', '"a\\u007fb"'],
  ['with a C1 control', 'a\u0085b', '"a\\u0085b"'],
  ['with U+2028', 'a\u2028b', '"a\\u2028b"'],
  ['with U+2029', 'a\u2029b', '"a\\u2029b"'],
];

const OPERATIONS: readonly [string, (secrets: SecretsService, name: string) => unknown][] = [
  ['get', (secrets, name) => secrets.get(name)],
  ['getOrThrow', (secrets, name) => secrets.getOrThrow(name)],
  ['getSync', (secrets, name) => secrets.getSync(name)],
  ['getBoolean', (secrets, name) => secrets.getBoolean(name)],
  ['secret', (secrets, name) => secrets.secret(name)],
  ['set', (secrets, name) => secrets.set(name, 'value')],
  ['delete', (secrets, name) => secrets.delete(name)],
  ['rotate', (secrets, name) => secrets.rotate(name, { value: 'value' })],
  ['rotate', (secrets, name) => secrets.rotate('KEY', { name, value: 'value' })],
  ['refresh', (secrets, name) => secrets.refresh(name)],
  ['invalidate', (secrets, name) => secrets.invalidate(name)],
];

const EVERYTHING = { settings: { accessMode: 'read_and_write' } } as const;

describe('the name of a secret', () => {
  afterEach(closeApplications);

  it.each(WRONG)(
    '%s is refused with a quote before a call to the store',
    async (_, name, quoted) => {
      const store = new InMemorySecretManager();
      const { secrets } = await startWith(store, EVERYTHING);

      const error = await failureOf(secrets.get(name));

      expect(error).toMatchObject({
        code: 'INVALID_ARGUMENT',
        operation: 'get',
        manager: 'in-memory',
      });
      expect(error.message).toContain(`The secret name ${quoted}`);
      // eslint-disable-next-line no-control-regex
      expect(error.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      expect(store.calls).toEqual([]);
    },
  );

  it.each(OPERATIONS)('is checked by %s before anything else', async (operation, call) => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store, EVERYTHING);

    const error = await failureOf(() => call(secrets, '../other'));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', operation });
    expect(error.message).toContain('"../other"');
    expect(store.calls).toEqual([]);
  });

  it.each(OPERATIONS)('may not be empty to %s', async (_, call) => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store, EVERYTHING);

    const error = await failureOf(() => call(secrets, ''));

    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(store.calls).toEqual([]);
  });

  it.each([undefined, null, 7, {}, ['A']])('must be a string, and not %p', async (name) => {
    const store = new InMemorySecretManager();
    const { secrets } = await startWith(store);

    const error = await failureOf(() => secrets.get(name as never));

    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(store.calls).toEqual([]);
  });

  it.each([
    'A',
    'a/b.c',
    'release-1.0..2',
    '..foo',
    'my key',
    'ключ',
    '🔑',
    'a:b@c#d?e=f',
    'x'.repeat(512),
  ])('may be %p', async (name) => {
    const store = new InMemorySecretManager({ [name]: 'value' });
    const { secrets } = await startWith(store);

    const value = await secrets.get(name);

    expect(value).toBe('value');
  });

  it('may have at most 512 characters, and a longer one is not quoted in full', async () => {
    const { secrets } = await startWith(new InMemorySecretManager());

    const error = await failureOf(secrets.get('x'.repeat(513)));

    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message.length).toBeLessThan(400);
  });

  it('is refused even if the environment would cover a failure', async () => {
    const { secrets } = await startWith(new InMemorySecretManager(), {
      fallback: 'on-any-failure',
      environment: { '../A': 'from the environment' },
    });

    const error = await failureOf(secrets.get('../A', { default: 'x' }));

    expect(error.code).toBe('INVALID_ARGUMENT');
  });
});

describe('a reference os.environ/NAME', () => {
  afterEach(closeApplications);

  it.each<[string, (secrets: SecretsService) => unknown]>([
    ['get', (secrets) => secrets.get('os.environ/KEY')],
    ['getOrThrow', (secrets) => secrets.getOrThrow('os.environ/KEY')],
    ['getSync', (secrets) => secrets.getSync('os.environ/KEY')],
    ['a handle', (secrets) => secrets.secret('os.environ/KEY').get()],
  ])('is the secret NAME for %s', async (_, call) => {
    const { secrets } = await startWith(new InMemorySecretManager({ KEY: 'value' }));

    const value = await call(secrets);

    expect(value).toBe('value');
  });

  it('is the secret NAME for writes and for the cache', async () => {
    const store = new InMemorySecretManager({ KEY: '1' });
    const { secrets } = await startWith(store, EVERYTHING);

    await secrets.set('os.environ/KEY', '2');
    await secrets.rotate('os.environ/KEY', { value: '3' });
    await secrets.refresh('os.environ/KEY');

    expect(secrets.inspect()).toMatchObject([{ name: 'KEY' }]);
    expect(new Set(store.calls.map(({ secretName }) => secretName))).toEqual(new Set(['KEY']));
  });

  it('is returned by getMany under the given name', async () => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store);

    const answers = await secrets.getMany(['os.environ/KEY', 'KEY']);

    expect([...answers]).toEqual([
      ['os.environ/KEY', { value: 'value' }],
      ['KEY', { value: 'value' }],
    ]);
    expect(store.calls).toHaveLength(1);
  });

  it('may be used in hostedKeys, preload and primarySecretName', async () => {
    const store = new InMemorySecretManager({ all: '{"KEY":"value"}' });
    const { secrets } = await startWith(store, {
      settings: { hostedKeys: ['os.environ/KEY'], primarySecretName: 'os.environ/all' },
      preload: ['os.environ/KEY'],
    });

    const value = await secrets.get('KEY');

    expect(value).toBe('value');
    expect(store.calls).toMatchObject([{ secretName: 'all' }]);
  });

  it('is read from the environment as NAME', async () => {
    const { secrets } = await startWith(new InMemorySecretManager(), {
      environment: { KEY: 'env' },
    });

    const value = await secrets.get('os.environ/KEY');

    expect(value).toBe('env');
  });

  it('appears as NAME in errors', async () => {
    const { secrets } = await startWith(new InMemorySecretManager({ FLAG: 'perhaps' }));

    const errors = [
      await failureOf(secrets.getOrThrow('os.environ/KEY')),
      await failureOf(secrets.getBoolean('os.environ/FLAG')),
    ];

    expect(errors.map(({ secretName }) => secretName)).toEqual(['KEY', 'FLAG']);
  });

  it.each(['x/os.environ/KEY', 'OS.ENVIRON/KEY', 'os.environ'])('is not %p', async (name) => {
    const { secrets } = await startWith(
      new InMemorySecretManager({ [name]: 'itself', KEY: 'other' }),
    );

    const value = await secrets.get(name);

    expect(value).toBe('itself');
  });

  describe('of a reference', () => {
    class Echo extends CustomSecretManager {
      override async readSecret(secretName: string): Promise<string> {
        return secretName;
      }
    }
    const twice = 'os.environ/os.environ/KEY';

    it.each<[string, (secrets: SecretsService) => unknown]>([
      ['get', (secrets) => secrets.get(twice)],
      ['a handle', (secrets) => secrets.secret(twice).get()],
      [
        'reveal()',
        async (secrets) => {
          await secrets.get(twice);
          return secrets.secret(twice).reveal();
        },
      ],
    ])('loses its prefix once for %s', async (_, call) => {
      const { secrets } = await startWith(new Echo());

      const value = await call(secrets);

      expect(value).toBe('os.environ/KEY');
    });

    it('does not answer for the reference once it is cached', async () => {
      const { secrets } = await startWith(new Echo());

      const values = [await secrets.get(twice), await secrets.get('os.environ/KEY')];

      expect(values).toEqual(['os.environ/KEY', 'KEY']);
    });

    it('loses its prefix once for preload and forFeature', async () => {
      const asked: string[] = [];
      class Remembering extends Echo {
        override readSecret(secretName: string): Promise<string> {
          asked.push(secretName);
          return super.readSecret(secretName);
        }
      }
      const root = SecretManagerModule.forRoot({ manager: Remembering, preload: [twice] });

      await startApplication({ imports: [root, SecretManagerModule.forFeature([`${twice}2`])] });

      expect(asked).toEqual(['os.environ/KEY', 'os.environ/KEY2']);
    });
  });
});
