import {
  CustomSecretManager,
  SecretManagerError,
  type Fallback,
} from 'nestjs-custom-secret-manager';
import {
  DecryptingSecretManager,
  type Cipher,
  type DecryptFunction,
  type DecryptingSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/decrypting';
import { EnvironmentSecretManager } from 'nestjs-custom-secret-manager/drivers/environment';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { implementsOperation } from '../../../lib/core/contract/custom-secret-manager';
import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import { closeApplications, startWith } from '../../support/application';
import { everythingOf, failureOf, leaks } from '../../support/failure-of';
import { LocalCipher } from './local-cipher';

const CIPHERTEXT = 'zq7-canary-that-is-sealed-0123';
const PLAINTEXT = 'kx4-canary-that-is-opened-9876';

/** Decrypts `sealed:x` to `x`. */
const unseal: DecryptFunction = (ciphertext) => ciphertext.replace(/^sealed:/, '');

function decrypting(
  decrypt: DecryptingSecretManagerOptions['decrypt'] = unseal,
  secrets: Readonly<Record<string, string>> = { KEY: 'sealed:value' },
): DecryptingSecretManager {
  return new DecryptingSecretManager({ inner: new InMemorySecretManager(secrets), decrypt });
}

/** Answers with whatever the test says. */
class AnsweringManager extends CustomSecretManager {
  constructor(private readonly answer: unknown) {
    super('answering');
  }

  override async readSecret(): Promise<string> {
    return this.answer as string;
  }
}

describe('a read through the decrypting manager', () => {
  it('keeps version and lease, and drops everything else', async () => {
    const reading = { value: 'sealed:value', version: '3', validForMs: 50, other: CIPHERTEXT };
    const inner = new AnsweringManager(reading);

    const answer = await new DecryptingSecretManager({ inner, decrypt: unseal }).readSecret('KEY');

    expect(answer).toEqual({ value: 'value', version: '3', validForMs: 50 });
  });

  it('returns an empty plaintext, and asks nobody for an absence', async () => {
    const decrypt = jest.fn(() => '');

    await expect(decrypting(decrypt).readSecret('KEY')).resolves.toMatchObject({ value: '' });
    await expect(decrypting(decrypt).readSecret('ABSENT')).resolves.toBeUndefined();
    expect(decrypt).toHaveBeenCalledTimes(1);
  });

  it('passes params to the inner manager only', async () => {
    const inner = new InMemorySecretManager({ KEY: 'sealed:value' });
    const decrypt = jest.fn(unseal);
    const manager = new DecryptingSecretManager({ inner, decrypt });

    await manager.readSecret('KEY', { params: { tenant: 7 } });
    await manager.readSecrets(['KEY'], { params: { tenant: 8 } });
    manager.readSecretSync('KEY', { params: { tenant: 9 } });

    expect(inner.calls.map(({ options }) => options?.params)).toEqual([
      { tenant: 7 },
      { tenant: 8 },
      { tenant: 9 },
    ]);
    expect(JSON.stringify(decrypt.mock.calls)).not.toContain('tenant');
  });

  it('refuses an empty ciphertext, in each kind of read', async () => {
    const decrypt = jest.fn(unseal);
    const manager = decrypting(decrypt, { KEY: '' });

    const thrown = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(() => manager.readSecretSync('KEY')),
      (await manager.readSecrets(['KEY'])).get('KEY'),
    ];

    expect(thrown).toMatchObject(Array(3).fill({ code: 'MALFORMED', secretName: 'KEY' }));
    expect(decrypt).not.toHaveBeenCalled();
  });

  it.each([42, {}, { value: 1 }, [], Buffer.from('x')])(
    'refuses %j of the inner manager, in its name',
    async (answer) => {
      const inner = new AnsweringManager(answer);
      const manager = new DecryptingSecretManager({ inner, decrypt: unseal });

      await expect(failureOf(manager.readSecret('KEY'))).resolves.toMatchObject({
        code: 'MALFORMED',
        manager: 'answering',
      });
    },
  );

  it.each([undefined, null, 42, {}, Buffer.from('x')])(
    'refuses %j of `decrypt`, in each kind of read',
    async (plaintext) => {
      const manager = decrypting(() => plaintext as string);

      const thrown = [
        await failureOf(manager.readSecret('KEY')),
        await failureOf(() => manager.readSecretSync('KEY')),
        (await manager.readSecrets(['KEY'])).get('KEY'),
      ];

      expect(thrown).toMatchObject(Array(3).fill({ code: 'MALFORMED', secretName: 'KEY' }));
    },
  );
});

describe('a failed decryption', () => {
  it.each<[string, unknown, object]>([
    ['a plain error', new Error(CIPHERTEXT + PLAINTEXT), { code: 'MALFORMED' }],
    ['a bug', new TypeError(CIPHERTEXT), { code: 'MALFORMED' }],
    ['something else', { message: PLAINTEXT }, { code: 'MALFORMED' }],
    ['a connection', Object.assign(new Error(PLAINTEXT), { code: 'ECONNREFUSED' }), down()],
    ['HTTP 400', Object.assign(new Error(PLAINTEXT), { status: 400 }), { code: 'MALFORMED' }],
    ['HTTP 403', Object.assign(new Error(PLAINTEXT), { status: 403 }), { code: 'ACCESS_DENIED' }],
    ['HTTP 404', Object.assign(new Error(PLAINTEXT), { status: 404 }), { code: 'MISCONFIGURED' }],
    ['HTTP 429', throttled(), { code: 'THROTTLED', retryAfterMs: 3_000, retryable: true }],
    [
      'a missing key',
      new SecretManagerError('NOT_FOUND', 'The key is gone.'),
      { code: 'MISCONFIGURED', message: '"KEY" was not decrypted. The key is gone.' },
    ],
    [
      'a size',
      new SecretManagerError('INVALID_ARGUMENT', 'It is too long.'),
      { code: 'INVALID_ARGUMENT' },
    ],
  ])('by %s has a code, the name, and no text of its own', async (_, thrown, expected) => {
    const decrypt = (): string => {
      throw thrown;
    };
    const manager = decrypting(decrypt, { KEY: CIPHERTEXT });
    const rejecting = decrypting(async () => decrypt(), { KEY: CIPHERTEXT });

    const failures = [
      await failureOf(manager.readSecret('KEY')),
      await failureOf(rejecting.readSecret('KEY')),
      await failureOf(() => manager.readSecretSync('KEY')),
      (await rejecting.readSecrets(['KEY'])).get('KEY'),
    ];

    const facts = { ...expected, secretName: 'KEY', manager: 'decrypting' };
    expect(failures).toMatchObject(Array(4).fill(facts));
    const shown = everythingOf(failures);
    expect([CIPHERTEXT, PLAINTEXT].filter((canary) => leaks(shown, canary))).toEqual([]);
  });

  it('of a changed ciphertext is malformed, and never answered', async () => {
    const cipher = new LocalCipher();
    const sealed = cipher.encrypt(PLAINTEXT);
    const changed = `${sealed.startsWith('A') ? 'B' : 'A'}${sealed.slice(1)}`;
    const manager = decrypting(cipher, { GOOD: sealed, BAD: changed, PLAIN: PLAINTEXT });

    const answers = await manager.readSecrets(['GOOD', 'BAD', 'PLAIN', 'ABSENT', 'GOOD']);

    expect([...answers.keys()].sort()).toEqual(['ABSENT', 'BAD', 'GOOD', 'PLAIN']);
    expect(answers.get('GOOD')).toMatchObject({ value: PLAINTEXT });
    expect(answers.get('BAD')).toMatchObject({ code: 'MALFORMED', secretName: 'BAD' });
    expect(answers.get('PLAIN')).toMatchObject({ code: 'MALFORMED', secretName: 'PLAIN' });
    expect(answers.get('ABSENT')).toBeUndefined();
    const errors = [answers.get('BAD'), answers.get('PLAIN')];
    expect(leaks(everythingOf(errors), PLAINTEXT)).toBe(false);
  });

  it('keeps the error of the inner manager for one name of several', async () => {
    const denied = new SecretManagerError('ACCESS_DENIED', 'no');
    class Inner extends InMemorySecretManager {
      override async readSecrets(): Promise<Map<string, string | Error>> {
        return new Map<string, string | Error>([
          ['A', 'sealed:a'],
          ['B', denied],
        ]);
      }
    }
    const manager = new DecryptingSecretManager({ inner: new Inner(), decrypt: unseal });

    const answers = await manager.readSecrets(['A', 'B', 'C']);

    expect(answers.get('A')).toMatchObject({ value: 'a' });
    expect(answers.get('B')).toBe(denied);
    expect(answers.get('C')).toBeUndefined();
  });
});

describe('concurrent decryptions', () => {
  function pending(): { decrypt: jest.Mock<Promise<string>>; end: (plaintext: string) => void } {
    let end = (_: string): void => undefined;
    const decrypt = jest.fn(() => new Promise<string>((resolve) => (end = resolve)));
    return { decrypt, end: (plaintext) => end(plaintext) };
  }
  const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('of one ciphertext are one call, under different names, too', async () => {
    const { decrypt, end } = pending();
    const manager = decrypting(decrypt, { A: 'same', B: 'same', C: 'same' });

    const reads = [manager.readSecret('A'), manager.readSecret('B'), manager.readSecret('A')];
    const batch = manager.readSecrets(['A', 'B', 'C']);
    await soon();
    end('value');

    expect((await Promise.all(reads)).map((answer) => answer?.value)).toEqual(
      Array(3).fill('value'),
    );
    expect([...(await batch).values()]).toMatchObject(Array(3).fill({ value: 'value' }));
    expect(decrypt).toHaveBeenCalledTimes(1);
  });

  it('keep nothing when they have ended, well or badly', async () => {
    const decrypt = jest.fn<string, [string]>(() => 'value');
    const manager = decrypting(decrypt);
    await manager.readSecret('KEY');
    decrypt.mockImplementationOnce(() => {
      throw new Error('no');
    });
    await failureOf(manager.readSecret('KEY'));

    await expect(manager.readSecret('KEY')).resolves.toMatchObject({ value: 'value' });
    expect(decrypt).toHaveBeenCalledTimes(3);
  });

  it('end each at its own deadline', async () => {
    const { decrypt, end } = pending();
    const manager = decrypting(decrypt);

    const early = failureOf(manager.readSecret('KEY', { timeoutMs: 20 }));
    const late = manager.readSecret('KEY', { timeoutMs: 5_000 });

    await expect(early).resolves.toMatchObject({ code: 'TIMEOUT', secretName: 'KEY' });
    end('value');
    await expect(late).resolves.toMatchObject({ value: 'value' });
    expect(decrypt).toHaveBeenCalledTimes(1);
  });

  it('go on when one caller has left, and are aborted with the last', async () => {
    const seen: AbortSignal[] = [];
    const decrypt: DecryptFunction = (_, { signal }) => {
      if (signal) seen.push(signal);
      return new Promise(() => undefined);
    };
    const manager = decrypting(decrypt);
    const callers = [new AbortController(), new AbortController()];
    const reads = callers.map(({ signal }) => failureOf(manager.readSecret('KEY', { signal })));
    await soon();

    callers[0]?.abort();
    await expect(reads[0]).resolves.toMatchObject({ code: 'CANCELLED' });
    expect(seen.map(({ aborted }) => aborted)).toEqual([false]);
    callers[1]?.abort();
    await expect(reads[1]).resolves.toMatchObject({ code: 'CANCELLED' });

    expect(seen.map(({ aborted }) => aborted)).toEqual([true]);
    const next = failureOf(manager.readSecret('KEY', { timeoutMs: 20 }));
    await expect(next).resolves.toMatchObject({ code: 'TIMEOUT' });
    expect(seen).toHaveLength(2);
  });

  it('are told the time that is left', async () => {
    const decrypt = jest.fn<string, Parameters<DecryptFunction>>((_, { timeoutMs = 0 }) =>
      String(timeoutMs),
    );
    const manager = decrypting(decrypt);

    const told = Number((await manager.readSecret('KEY', { timeoutMs: 500 }))?.value);
    const toldAtOnce = Number(manager.readSecretSync('KEY', { timeoutMs: 500 })?.value);

    for (const time of [told, toldAtOnce]) {
      expect(time).toBeGreaterThan(0);
      expect(time).toBeLessThanOrEqual(500);
    }
  });
});

describe('a synchronous read through the decrypting manager', () => {
  it('takes decryptSync of a decrypter', () => {
    const decrypter = { decrypt: () => Promise.resolve('later'), decryptSync: () => 'now' };

    expect(decrypting(decrypter).readSecretSync('KEY')).toMatchObject({ value: 'now' });
  });

  it.each<[string, DecryptingSecretManagerOptions['decrypt']]>([
    ['a function', () => Promise.resolve(PLAINTEXT)],
    ['a function that rejects', () => Promise.reject(new Error(PLAINTEXT))],
    ['a decrypter', { decrypt: () => Promise.resolve(PLAINTEXT) }],
    ['a thenable', () => ({ then: () => undefined }) as unknown as Promise<string>],
  ])('is not supported with the promise of %s', async (_, decrypt) => {
    const failure = await failureOf(() => decrypting(decrypt).readSecretSync('KEY'));

    expect(failure).toMatchObject({ code: 'UNSUPPORTED', secretName: 'KEY' });
    expect(failure.message).toMatch(/decryptSync\(\).*preload/);
  });

  it('returns an absence', () => {
    expect(decrypting().readSecretSync('ABSENT')).toBeUndefined();
  });
});

describe('a write through the decrypting manager', () => {
  const cipher = new LocalCipher();

  it('stores ciphertext, and passes on everything else', async () => {
    const inner = new InMemorySecretManager();
    const manager = new DecryptingSecretManager({ inner, decrypt: cipher, encrypt: cipher });
    const options = { description: 'd', tags: { a: 'b' }, params: { tenant: 7 } };

    const written = await manager.writeSecret('KEY', PLAINTEXT, options);
    const again = await failureOf(manager.writeSecret('KEY', 'other', { createOnly: true }));

    expect(written).toMatchObject({ version: '1' });
    expect(again.code).toBe('CONFLICT');
    const stored = (await inner.readSecret('KEY'))?.value ?? '';
    expect(stored).not.toContain(PLAINTEXT);
    expect(cipher.decrypt(stored)).toBe(PLAINTEXT);
    await expect(manager.describeSecret('KEY')).resolves.toEqual({
      description: 'd',
      tags: { a: 'b' },
    });
    expect(inner.calls[0]?.options).toMatchObject(options);
    await manager.deleteSecret('KEY', { recoveryWindowInDays: 0 });
    await expect(manager.readSecret('KEY')).resolves.toBeUndefined();
  });

  it('is not supported without `encrypt`, and writes nothing', async () => {
    const inner = new InMemorySecretManager();
    const manager = new DecryptingSecretManager({ inner, decrypt: cipher });

    const failure = await failureOf(manager.writeSecret('KEY', PLAINTEXT));

    expect(failure).toMatchObject({ code: 'UNSUPPORTED', secretName: 'KEY' });
    expect(failure.message).toContain('`encrypt`');
    expect(inner.calls).toEqual([]);
  });

  it('is not supported by an inner manager that cannot write, and encrypts nothing', async () => {
    const encrypt = jest.fn(() => 'sealed');
    const inner = new EnvironmentSecretManager({ environment: {} });
    const manager = new DecryptingSecretManager({ inner, decrypt: unseal, encrypt });

    const failure = await failureOf(manager.writeSecret('KEY', PLAINTEXT));

    expect(failure).toMatchObject({ code: 'UNSUPPORTED', manager: 'environment' });
    expect(encrypt).not.toHaveBeenCalled();
  });

  it.each<[string, () => unknown, string]>([
    ['nothing', () => undefined, 'MALFORMED'],
    ['an empty text', () => '', 'MALFORMED'],
    ['bytes', () => Buffer.from('x'), 'MALFORMED'],
    ['an error', () => Promise.reject(new Error(PLAINTEXT)), 'UNKNOWN'],
    ['a missing key', () => Promise.reject(statusError(404)), 'MISCONFIGURED'],
    ['a denial', () => Promise.reject(statusError(403)), 'ACCESS_DENIED'],
    ['no answer', () => new Promise(() => undefined), 'TIMEOUT'],
  ])('writes nothing if `encrypt` gives %s', async (_, encrypt, code) => {
    const inner = new InMemorySecretManager();
    const manager = new DecryptingSecretManager({
      inner,
      decrypt: unseal,
      encrypt: encrypt as () => string,
    });

    const failure = await failureOf(manager.writeSecret('KEY', PLAINTEXT, { timeoutMs: 20 }));

    expect(failure).toMatchObject({ code, secretName: 'KEY', operation: 'writeSecret' });
    expect(leaks(everythingOf(failure), PLAINTEXT)).toBe(false);
    expect(inner.calls).toEqual([]);
  });
});

describe('the start of the decrypting manager', () => {
  afterEach(closeApplications);

  it('reports every problem of the options at once', async () => {
    const options = { inner: {}, decrypt: 'key', encrypt: { decrypt: unseal }, key: PLAINTEXT };
    const manager = new DecryptingSecretManager(options as never);

    const failure = await failureOf(manager.validateEnvironment());

    expect(failure.code).toBe('MISCONFIGURED');
    expect(failure.message.split('\n').slice(1)).toEqual([
      expect.stringContaining('inner must be a manager'),
      expect.stringContaining('decrypt must be a function'),
      expect.stringContaining('encrypt must be a function'),
      expect.stringContaining('"key" is not an option'),
    ]);
    expect(leaks(everythingOf(failure), PLAINTEXT)).toBe(false);
    await expect(failureOf(manager.readSecret('KEY'))).resolves.toMatchObject({
      code: 'MISCONFIGURED',
    });
    await expect(manager.close()).resolves.toBeUndefined();
  });

  it.each([undefined, null, 'x'])('reports %p in place of options', async (options) => {
    const manager = new DecryptingSecretManager(options as never);

    await expect(failureOf(manager.validateEnvironment())).resolves.toMatchObject({
      code: 'MISCONFIGURED',
    });
  });

  it('reports the problems of the inner manager and of both ciphers in one error', async () => {
    const inner = new InMemorySecretManager();
    const problem = (text: string) => () => {
      throw new SecretManagerError('MISCONFIGURED', text);
    };
    inner.validateEnvironment = problem('of the inner manager');
    const manager = new DecryptingSecretManager({
      inner,
      decrypt: { decrypt: unseal, validate: problem('of decrypt') },
      encrypt: { encrypt: unseal, validate: () => Promise.reject(new Error(PLAINTEXT)) },
    });

    const failure = await failureOf(new BoundaryPolicy(manager).validateEnvironment());

    expect(failure.code).toBe('MISCONFIGURED');
    expect(failure.message).toMatch(/^of the inner manager\nof decrypt\n/);
    expect(leaks(everythingOf(failure), PLAINTEXT)).toBe(false);
  });

  it.each<[string, string]>([
    ['on-unavailable', 'MISCONFIGURED'],
    ['on-any-failure', 'MISCONFIGURED'],
  ])('refuses the fallback %s over the environment', async (fallback, code) => {
    const facts = { secretNames: ['KEY'], virtualKeyPrefix: undefined, fallback } as never;
    const inner = new EnvironmentSecretManager({ prefix: 'APP_' });
    class OfTheTeam extends EnvironmentSecretManager {}

    for (const one of [inner, new OfTheTeam()]) {
      const manager = new DecryptingSecretManager({ inner: one, decrypt: unseal });
      const nested = new DecryptingSecretManager({ inner: manager, decrypt: unseal });
      for (const outer of [manager, nested]) {
        const failure = await failureOf(() => outer.validateRegistration(facts));
        expect(failure).toMatchObject({ code });
        expect(failure.message).toContain(fallback);
      }
    }
  });

  it.each<Fallback>(['on-unavailable', 'on-any-failure'])(
    'refuses the fallback %s of a call over the environment, and answers with no ciphertext',
    async (fallback) => {
      const environment = { KEY: 'ciphertext-of-the-key', OTHER: 'plain' };
      const down = (): never => {
        throw new SecretManagerError('UNAVAILABLE', 'The key service is down.');
      };
      const { secrets } = await startWith(
        new DecryptingSecretManager({
          inner: new EnvironmentSecretManager({ environment }),
          decrypt: down,
        }),
        { environment, settings: { hostedKeys: ['KEY'] }, retry: false },
      );

      const asked = [
        await failureOf(secrets.get('KEY', { fallback })),
        await failureOf(() => secrets.getSync('KEY', { fallback })),
      ];
      const many = await secrets.getMany(['KEY', 'OTHER'], { fallback });

      expect(asked.map(({ code }) => code)).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT']);
      expect(asked[0]?.message).toContain(fallback);
      expect(many.get('KEY')).toMatchObject({ error: { code: 'INVALID_ARGUMENT' } });
      expect(many.get('OTHER')).toEqual({ value: 'plain' }); // the manager is not asked for it
    },
  );

  it.each<[string, CustomSecretManager]>([
    ['never', new EnvironmentSecretManager()],
    ['on-absence', new EnvironmentSecretManager()],
    ['on-unavailable', new InMemorySecretManager()],
    ['on-any-failure', new InMemorySecretManager()],
  ])('permits the fallback %s over %p, and lets the inner manager check', (fallback, inner) => {
    const facts = { secretNames: ['KEY'], virtualKeyPrefix: undefined, fallback } as never;
    const check = jest.fn();
    Object.assign(inner, { validateRegistration: check });

    new DecryptingSecretManager({ inner, decrypt: unseal }).validateRegistration(facts);

    expect(check).toHaveBeenCalledWith(facts);
  });
});

describe('the hooks of the decrypting manager', () => {
  const cipherWith = (hooks: Partial<Cipher>): Cipher => ({
    decrypt: unseal,
    encrypt: unseal,
    ...hooks,
  });

  it('check and close a cipher for both directions once', async () => {
    const hooks = {
      validate: jest.fn(),
      checkHealth: jest.fn(() => Promise.resolve(true)),
      close: jest.fn(),
    };
    const cipher = cipherWith(hooks);
    const inner = new InMemorySecretManager();
    const manager = new DecryptingSecretManager({ inner, decrypt: cipher, encrypt: cipher });

    await manager.validateEnvironment();
    await expect(manager.checkHealth()).resolves.toBe(true);
    await manager.close();
    await manager.close();

    for (const hook of Object.values(hooks)) expect(hook).toHaveBeenCalledTimes(1);
    await expect(failureOf(manager.readSecret('KEY'))).resolves.toMatchObject({
      code: 'UNAVAILABLE',
    });
  });

  it('are unhealthy with the inner manager or the cipher', async () => {
    const inner = new InMemorySecretManager();
    const down = new SecretManagerError('UNAVAILABLE', 'down');
    const unhealthy = cipherWith({ checkHealth: () => Promise.resolve(false) });
    const failing = cipherWith({ checkHealth: () => Promise.reject(down) });

    const byCipher = new DecryptingSecretManager({ inner, decrypt: unhealthy });
    const byFailure = new DecryptingSecretManager({ inner, decrypt: failing });
    await expect(byCipher.checkHealth()).resolves.toBe(false);
    await expect(failureOf(byFailure.checkHealth())).resolves.toMatchObject({
      code: 'UNAVAILABLE',
    });

    inner.fail('unavailable');
    const byInner = new DecryptingSecretManager({ inner, decrypt: unseal });
    await expect(byInner.checkHealth()).rejects.toThrow();
  });

  it('close everything, and then report what failed', async () => {
    const inner = new InMemorySecretManager();
    inner.close = () => {
      throw new SecretManagerError('UNKNOWN', 'of the inner manager');
    };
    const close = jest.fn();
    const manager = new DecryptingSecretManager({ inner, decrypt: cipherWith({ close }) });

    await expect(manager.close()).rejects.toThrow('of the inner manager');
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('pass on changes of the store and the meaning of an absence', async () => {
    const inner = new InMemorySecretManager();
    const watch = jest.fn();
    Object.assign(inner, { watchSecrets: watch, explainAbsence: () => 'It may be hidden.' });
    const manager = new DecryptingSecretManager({ inner, decrypt: unseal });
    const onChange = jest.fn();
    const { signal } = new AbortController();

    await manager.watchSecrets?.(onChange, { signal });

    expect(watch).toHaveBeenCalledWith(onChange, { signal });
    expect(watch.mock.contexts).toEqual([inner]);
    expect(manager.explainAbsence()).toBe('It may be hidden.');
    expect('watchSecrets' in decrypting()).toBe(false);
    expect(decrypting().explainAbsence()).toBe('');
  });

  it('are missing where the inner manager lacks them', async () => {
    const inner = new AnsweringManager('sealed:value');
    const manager = new DecryptingSecretManager({ inner, decrypt: unseal });

    for (const operation of ['readSecretSync', 'readSecrets', 'checkHealth'] as const) {
      expect(implementsOperation(manager, operation)).toBe(false);
    }
    expect(implementsOperation(decrypting(), 'readSecretSync')).toBe(true);
    expect(implementsOperation(decrypting(), 'checkHealth')).toBe(true);
    await expect(failureOf(() => manager.readSecretSync('KEY'))).resolves.toMatchObject({
      code: 'UNSUPPORTED',
    });
    expect((await manager.readSecrets(['KEY'])).get('KEY')).toMatchObject({ value: 'value' });
    await expect(manager.checkHealth()).resolves.toBe(true);
  });

  it('show neither plaintext nor ciphertext of a manager', async () => {
    const manager = decrypting(() => PLAINTEXT, { KEY: CIPHERTEXT });
    await manager.readSecret('KEY');

    const shown = everythingOf(manager);

    expect([CIPHERTEXT, PLAINTEXT].filter((canary) => leaks(shown, canary))).toEqual([]);
  });
});

function down(): object {
  return { code: 'UNAVAILABLE', retryable: true };
}

function statusError(status: number): Error {
  return Object.assign(new Error(PLAINTEXT), { status });
}

function throttled(): Error {
  return Object.assign(statusError(429), { headers: { 'retry-after': '3' } });
}
