import { CustomSecretManager, type SecretManagerModuleOptions } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../../support/application';
import { everythingOf, failureOf } from '../../support/failure-of';

class Answering extends CustomSecretManager {
  constructor(private readonly answer: unknown) {
    super('answering');
  }
  override async readSecret(): Promise<never> {
    return this.answer as never;
  }
}

describe('a look-up', () => {
  afterEach(closeApplications);

  it.each<[SecretManagerModuleOptions['settings'], string, number]>([
    [{}, 'store', 1],
    [{ accessMode: 'read_only' }, 'store', 1],
    [{ accessMode: 'read_and_write' }, 'store', 1],
    [{ accessMode: 'write_only' }, 'environment', 0],
    [{ hostedKeys: ['KEY'] }, 'store', 1],
    [{ hostedKeys: ['OTHER'] }, 'environment', 0],
    [{ hostedKeys: ['key', 'KEY2', 'KE'] }, 'environment', 0],
    [{ hostedKeys: [] }, 'environment', 0],
    [{ hostedKeys: ['KEY'], accessMode: 'write_only' }, 'environment', 0],
  ])('under %j is answered by the %s', async (settings, answeredBy, calls) => {
    const store = new InMemorySecretManager({ KEY: 'store' });
    const { secrets } = await startWith(store, { settings, environment: { KEY: 'environment' } });

    const value = await secrets.get('KEY');

    expect(value).toBe(answeredBy);
    expect(store.calls).toHaveLength(calls);
  });

  it('warns at start that an empty list of hosted keys excludes the manager', async () => {
    const { log } = await startWith(new InMemorySecretManager(), { settings: { hostedKeys: [] } });

    expect(log.warnings).toEqual([expect.stringMatching(/in-memory is never asked: hostedKeys/)]);
  });

  it.each(['', 'true', 'null', 'undefined', '12345', '{"a":1}', '  padded \n', 'False', '\u0000'])(
    'returns the string %j unchanged',
    async (value) => {
      const { secrets } = await startWith(new Answering(value), {
        environment: { KEY: 'environment' },
      });

      await expect(secrets.get('KEY')).resolves.toBe(value);
      await expect(secrets.get('KEY', { default: 'x' })).resolves.toBe(value);
      await expect(secrets.getOrThrow('KEY', { allowEmpty: true })).resolves.toBe(value);
    },
  );

  it('returns the value of a reading', async () => {
    const { secrets } = await startWith(
      new Answering({ value: '', version: '7', validForMs: 60_000 }),
    );

    const value = await secrets.get('KEY');

    expect(value).toBe('');
    expect(secrets.inspect()).toMatchObject([{ name: 'KEY', state: 'fresh', version: '7' }]);
  });

  const CANARY = 'hvs.canary-in-a-wrong-answer';
  it.each<[string, unknown]>([
    ['a number', 12345],
    ['a boolean', true],
    ['an array', [CANARY]],
    ['an object', { secret: CANARY }],
    ['an object with a value that is no string', { value: { CANARY } }],
    ['a reading with a version that is no string', { value: CANARY, version: 7 }],
    ['a reading with a lease below 0', { value: CANARY, validForMs: -1 }],
    ['a reading with a lease that is no number', { value: CANARY, validForMs: '60' }],
    ['a buffer', Buffer.from(CANARY)],
    ['a function', () => CANARY],
    ['a String object', new String(CANARY)],
  ])('rejects %s with MALFORMED, and quotes nothing of it', async (_, answer) => {
    const { secrets } = await startWith(new Answering(answer), {
      environment: { KEY: 'environment' },
      fallback: 'on-unavailable',
    });

    const error = await failureOf(secrets.get('KEY', { default: 'x' }));

    expect(error).toMatchObject({
      code: 'MALFORMED',
      secretName: 'KEY',
      manager: 'answering',
      retryable: false,
    });
    expect(error.message).toMatch(
      /answering\.readSecret\(\).*undefined for a secret that is absent/,
    );
    expect(everythingOf(error)).not.toContain('hvs.canary');
  });

  it.each([undefined, null])(
    'treats %p as an absence, and reads the environment',
    async (answer) => {
      const { secrets } = await startWith(new Answering(answer), {
        environment: { KEY: 'environment' },
      });

      await expect(secrets.get('KEY')).resolves.toBe('environment');
      await expect(secrets.get('KEY', { default: 'x' })).resolves.toBe('environment');
      await expect(secrets.get('KEY', { fallback: 'never' })).resolves.toBeUndefined();
      await expect(secrets.get('KEY', { fallback: 'never', default: 'x' })).resolves.toBe('x');
    },
  );

  it('accepts an empty environment variable as a value', async () => {
    const { secrets } = await startWith(new InMemorySecretManager(), { environment: { KEY: '' } });

    const value = await secrets.get('KEY', { default: 'x' });

    expect(value).toBe('');
  });

  it('resolves to the default, or to undefined, if the secret is absent everywhere', async () => {
    const { secrets } = await startWith(new InMemorySecretManager());

    const values = [
      await secrets.get('KEY'),
      await secrets.get('KEY', { default: '' }),
      secrets.getSync('KEY'),
    ];

    expect(values).toEqual([undefined, '', undefined]);
  });

  it.each<[string, SecretManagerModuleOptions, RegExp]>([
    ['the manager and the environment', {}, /neither in-memory nor the environment has it/],
    ['the manager alone', { fallback: 'never' }, /in-memory does not have it.*fallback is "never"/],
    [
      'the environment alone: hostedKeys',
      { settings: { hostedKeys: [] } },
      /environment does not have it.*hostedKeys/,
    ],
    [
      'the environment alone: accessMode',
      { settings: { accessMode: 'write_only' } },
      /environment does not have it.*accessMode is "write_only"/,
    ],
  ])('by getOrThrow names the sources that were asked: %s', async (_, options, text) => {
    const { secrets } = await startWith(new InMemorySecretManager(), options);

    const error = await failureOf(secrets.getOrThrow('KEY'));

    expect(error).toMatchObject({
      code: 'NOT_FOUND',
      operation: 'getOrThrow',
      secretName: 'KEY',
      manager: 'in-memory',
    });
    expect(error.message).toMatch(text);
  });

  it('by getOrThrow ignores a default that was cast in', async () => {
    const { secrets } = await startWith(new InMemorySecretManager());

    const error = await failureOf(secrets.getOrThrow('KEY', { default: 'x' } as never));

    expect(error.code).toBe('NOT_FOUND');
  });

  it('never caches a secret that may not be answered from memory', async () => {
    const store = new InMemorySecretManager({ KEY: 'store' });
    const { secrets } = await startWith(store, {
      settings: { accessMode: 'read_and_write', hostedKeys: ['KEY'] },
    });
    await secrets.set('OTHER', 'written, but not hosted');

    const value = await secrets.get('OTHER');

    expect(value).toBeUndefined();
    expect(secrets.inspect()).toEqual([]);
  });

  it('under write_only does not return its own writes', async () => {
    const { secrets } = await startWith(new InMemorySecretManager(), {
      settings: { accessMode: 'write_only' },
    });
    await secrets.set('KEY', 'written');

    expect(await secrets.get('KEY')).toBeUndefined();
    expect(secrets.getSync('KEY')).toBeUndefined();
    expect(secrets.inspect()).toEqual([]);
  });
});
