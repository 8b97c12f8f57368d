import { Injectable, Module } from '@nestjs/common';
import {
  CustomSecretManager,
  SecretManagerError,
  SecretManagerModule,
  SecretsService,
  type SecretManagerModuleOptions,
} from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startApplication, startWith } from '../support/application';
import { everythingOf, failureOf, leaks } from '../support/failure-of';

const CANARY = 'hvs.CAESIJ-canary-of-the-start';

class Validating extends CustomSecretManager {
  readonly events: string[] = [];

  constructor(private readonly validate: () => void | Promise<void>) {
    super('validating');
  }
  override async readSecret(secretName: string): Promise<string> {
    this.events.push(`read ${secretName}`);
    return 'value';
  }
  override async validateEnvironment(): Promise<void> {
    this.events.push('validate');
    await this.validate();
  }
  override close(): void {
    this.events.push('close');
  }
}

describe('the start', () => {
  afterEach(async () => {
    jest.useRealTimers();
    await closeApplications();
  });

  it('validates the environment, then preloads, then constructs the classes that inject SecretsService', async () => {
    const manager = new Validating(() => undefined);
    @Injectable()
    class Consumer {
      constructor(readonly secrets: SecretsService) {
        manager.events.push('construct');
      }
    }
    const root = SecretManagerModule.forRoot({
      manager: { useValue: manager },
      preload: ['A', 'os.environ/B'],
    });

    await startApplication({ imports: [root], providers: [Consumer] });

    expect(manager.events).toEqual(['validate', 'read A', 'read B', 'construct']);
  });

  it('withholds the text of a plain error of validateEnvironment, and says how to show it', async () => {
    const original = new Error(`VAULT_TOKEN=${CANARY} is not valid`);
    const seen: [unknown, string][] = [];
    const debug: SecretManagerModuleOptions['debug'] = (...call) => seen.push(call);
    const manager = new Validating(() => Promise.reject(original));

    const error = await failureOf(startWith(manager, { debug }));

    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      operation: 'validateEnvironment',
      manager: 'validating',
    });
    expect(error.message).toMatch(/throw a SecretManagerError.*`debug` option/);
    expect(leaks(everythingOf(error), CANARY)).toBe(false);
    expect(seen).toEqual([[original, 'validateEnvironment']]);
    expect(manager.events).toEqual(['validate', 'close']);
  });

  it('shows the text of a SecretManagerError of validateEnvironment, as MISCONFIGURED whatever its code', async () => {
    const manager = new Validating(() => {
      throw new SecretManagerError('NOT_FOUND', 'VAULT_ADDR is not set.');
    });

    const error = await failureOf(startWith(manager));

    expect(error).toMatchObject({ code: 'MISCONFIGURED', message: 'VAULT_ADDR is not set.' });
  });

  it('fails if validateEnvironment does not end', async () => {
    jest.useFakeTimers();
    const manager = new Validating(() => new Promise(() => undefined));

    const start = failureOf(startWith(manager, { timeoutMs: 2_000 }));
    await jest.advanceTimersByTimeAsync(2_001);

    await expect(start).resolves.toMatchObject({
      code: 'TIMEOUT',
      operation: 'validateEnvironment',
    });
  });

  it('reports every missing required secret in one error, but no optional one', async () => {
    const store = new InMemorySecretManager({ A: '1' });
    const preload = ['A', 'B', { name: 'C', optional: true as const }, 'os.environ/D'];

    const error = await failureOf(startWith(store, { preload }));

    expect(error).toMatchObject({ code: 'NOT_FOUND', operation: 'preload' });
    expect(error.message).toMatch(/"B".*not found[^]*"D".*not found/);
    expect(error.message).not.toMatch(/"A"|"C"/);
  });

  it('forgives an optional secret whose absence the manager throws, as for a disabled version', async () => {
    const store = new InMemorySecretManager({ A: '1' });
    store.fail('NOT_FOUND');

    const outcomes = await Promise.allSettled([
      startWith(store, { preload: [{ name: 'A', optional: true }] }),
      startWith(store, { preload: ['A'] }),
    ]);

    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'NOT_FOUND' } },
    ]);
  });

  it('fails for a failure of an optional secret', async () => {
    const store = new InMemorySecretManager();
    store.fail('denied');

    const error = await failureOf(startWith(store, { preload: [{ name: 'A', optional: true }] }));

    expect(error).toMatchObject({ code: 'ACCESS_DENIED', secretName: 'A' });
  });

  it('explains why the manager was not asked for a missing secret', async () => {
    const store = new InMemorySecretManager({ A: '1' });

    const error = await failureOf(
      startWith(store, { preload: ['A'], settings: { hostedKeys: ['B'] } }),
    );

    expect(error.message).toMatch(/hostedKeys does not list/);
    expect(store.calls).toEqual([]);
  });

  it.each<[string, SecretManagerModuleOptions]>([
    ['with the defaults', {}],
    ['without a retry', { retry: false }],
    ['without a retry budget', { retry: { budgetRatio: 0, maxAttempts: 1 } }],
    ['with a circuit that opens at once', { circuitBreaker: { failureThreshold: 1 } }],
    ['without a cache', { cache: false }],
  ])('survives a store that is down for a moment, %s', async (_, options) => {
    jest.useFakeTimers();
    const store = new InMemorySecretManager({ A: '1', B: '2' });
    store.fail('unavailable', { times: 12 });

    const start = startWith(store, { preload: ['A', 'B'], ...options });
    await jest.advanceTimersByTimeAsync(29_000);

    const { secrets } = await start;
    await expect(secrets.get('A')).resolves.toBe('1');
  });

  it("fails with the store's failure at the deadline, and not before", async () => {
    jest.useFakeTimers();
    const store = new InMemorySecretManager();
    store.fail();
    const ended = jest.fn();

    const start = failureOf(startWith(store, { preload: ['A'], timeoutMs: 20_000 })).finally(ended);
    await jest.advanceTimersByTimeAsync(14_000);
    expect(ended).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(6_001);

    await expect(start).resolves.toMatchObject({ code: 'UNAVAILABLE', secretName: 'A' });
  });

  it('fails against a store that hangs', async () => {
    jest.useFakeTimers();
    const store = new InMemorySecretManager();
    store.fail('hanging');

    const start = failureOf(startWith(store, { preload: ['A'], timeoutMs: 15_000 }));
    await jest.advanceTimersByTimeAsync(15_001);

    await expect(start).resolves.toMatchObject({ code: 'TIMEOUT' });
  });

  it('preloads concurrently', async () => {
    jest.useFakeTimers();
    const names = Array.from({ length: 16 }, (_, index) => `KEY_${index}`);
    const store = new InMemorySecretManager(
      Object.fromEntries(names.map((name) => [name, 'value'])),
    );
    store.delay(1_000);

    const start = startWith(store, { preload: names });
    await jest.advanceTimersByTimeAsync(1_001);

    await expect(start).resolves.toMatchObject({ secrets: expect.any(SecretsService) });
  });

  it('answers preloaded secrets from memory, even synchronously', async () => {
    const store = new InMemorySecretManager({ A: '1' });
    const { secrets } = await startWith(store, { preload: ['A'] });

    const values = [await secrets.get('A'), secrets.getSync('A'), secrets.secret('A').reveal()];

    expect(values).toEqual(['1', '1', '1']);
    expect(store.calls).toHaveLength(1);
  });

  it('keeps preloaded secrets fresh without traffic', async () => {
    jest.useFakeTimers();
    const store = new InMemorySecretManager({ A: '1' });
    const { secrets } = await startWith(store, { preload: ['A'], cache: { ttlMs: 60_000 } });
    const secret = secrets.secret('A');

    store.rotate('A', '2');
    await jest.advanceTimersByTimeAsync(60_001);

    expect(secret.reveal()).toBe('2');
    expect(secrets.inspect()).toMatchObject([{ name: 'A', state: 'fresh' }]);
  });

  it('checks secrets to preload even without a cache', async () => {
    const store = new InMemorySecretManager({ A: '1' });

    const error = await failureOf(startWith(store, { preload: ['A', 'B'], cache: false }));

    expect(error).toMatchObject({ code: 'NOT_FOUND', secretName: 'B' });
  });

  it('fails in the module that imports it, whatever is beside it', async () => {
    @Module({ imports: [SecretManagerModule.forRoot({ manager: Unready, isGlobal: true })] })
    class Infrastructure {}

    const error = await failureOf(startApplication({ imports: [Infrastructure] }));

    expect(error).toMatchObject({ code: 'MISCONFIGURED', manager: 'Unready' });
  });
});

class Unready extends CustomSecretManager {
  override async readSecret(): Promise<undefined> {
    return undefined;
  }
  override validateEnvironment(): void {
    throw new Error('not ready');
  }
}
