import { CustomSecretManager, type SecretAnswer } from 'nestjs-custom-secret-manager';
import { InMemorySecretManager } from 'nestjs-custom-secret-manager/testing';
import { closeApplications, startWith } from '../../support/application';
import { everythingOf, failureOf } from '../../support/failure-of';

/** A manager without a synchronous read. */
class AsyncOnly extends CustomSecretManager {
  reads = 0;
  failure: Error | undefined;

  constructor(public value = '1') {
    super('async-only');
  }
  override async readSecret(): Promise<string> {
    this.reads += 1;
    if (this.failure) throw this.failure;
    return this.value;
  }
}

const DOWN = Object.assign(new Error('down'), { code: 'ECONNREFUSED' });

describe('getSync', () => {
  afterEach(async () => {
    jest.useRealTimers();
    await closeApplications();
  });

  it('answers from the cache first', async () => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store);
    await secrets.get('KEY');

    const value = secrets.getSync('KEY');

    expect(value).toBe('value');
    expect(store.calls.map(({ operation }) => operation)).toEqual(['readSecret']);
  });

  it('calls the synchronous read of the manager once, and caches its result', async () => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store);

    const values = [secrets.getSync('KEY'), secrets.getSync('KEY'), await secrets.get('KEY')];

    expect(values).toEqual(['value', 'value', 'value']);
    expect(store.calls.map(({ operation }) => operation)).toEqual(['readSecretSync']);
  });

  it('reads the environment for an absent secret', async () => {
    const { secrets } = await startWith(new InMemorySecretManager(), {
      environment: { KEY: 'env' },
    });

    const values = [
      secrets.getSync('KEY'),
      secrets.getSync('KEY', { fallback: 'never', default: 'default' }),
      secrets.getSync('NONE', { default: 'default' }),
      secrets.getSync('NONE'),
    ];

    expect(values).toEqual(['env', 'default', 'default', undefined]);
  });

  it('never asks a manager that the settings exclude', async () => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store, { settings: { accessMode: 'write_only' } });

    const value = secrets.getSync('KEY');

    expect(value).toBeUndefined();
    expect(store.calls).toEqual([]);
  });

  it('makes one attempt, never a second', async () => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    store.fail('unavailable');
    const { secrets } = await startWith(store);

    const error = await failureOf(() => secrets.getSync('KEY', { default: 'x' }));

    expect(error).toMatchObject({
      code: 'UNAVAILABLE',
      operation: 'readSecretSync',
      retryable: true,
    });
    expect(store.calls).toHaveLength(1);
  });

  it('suggests a remedy if the manager has no synchronous read', async () => {
    const { secrets } = await startWith(new AsyncOnly());

    const error = await failureOf(() => secrets.getSync('KEY'));

    expect(error).toMatchObject({ code: 'UNSUPPORTED', manager: 'async-only', secretName: 'KEY' });
    expect(error.message).toMatch(
      /async-only does not implement readSecretSync\(\).*[Oo]verride readSecretSync.*preload/,
    );
  });

  it('translates the error of a synchronous read, without its text', async () => {
    class Throwing extends AsyncOnly {
      override readSecretSync(): SecretAnswer {
        throw Object.assign(new Error('hvs.canary-of-a-sync-read'), { status: 403 });
      }
    }
    const { secrets } = await startWith(new Throwing());

    const error = await failureOf(() => secrets.getSync('KEY'));

    expect(error.code).toBe('ACCESS_DENIED');
    expect(everythingOf(error)).not.toContain('hvs.canary');
  });

  it('rejects a promise as malformed, and leaves no rejection unhandled', async () => {
    class Promising extends AsyncOnly {
      override readSecretSync(): SecretAnswer {
        return Promise.reject(new Error('late')) as never;
      }
    }
    const { secrets } = await startWith(new Promising());

    const error = await failureOf(() => secrets.getSync('KEY'));

    expect(error).toMatchObject({ code: 'MALFORMED', operation: 'readSecretSync' });
  });

  it('without a synchronous read answers from the cache to the limit of an outage, with a background refresh', async () => {
    jest.useFakeTimers();
    const manager = new AsyncOnly();
    const cache = { ttlMs: 10_000, staleWhileRevalidateMs: 1_000, staleIfErrorMs: 60_000 };
    const { secrets } = await startWith(manager, { cache });
    await secrets.get('KEY');
    const handle = secrets.secret('KEY');

    await jest.advanceTimersByTimeAsync(50_000);
    manager.value = '2';
    expect([secrets.getSync('KEY'), handle.reveal()]).toEqual(['1', '1']);
    await jest.advanceTimersByTimeAsync(1);
    expect([secrets.getSync('KEY'), handle.reveal()]).toEqual(['2', '2']);
    expect(manager.reads).toBe(2);

    manager.failure = DOWN;
    await jest.advanceTimersByTimeAsync(69_900);
    expect(handle.reveal()).toBe('2');
    await jest.advanceTimersByTimeAsync(200);
    const error = await failureOf(() => handle.reveal());
    expect(['UNSUPPORTED', 'UNAVAILABLE']).toContain(error.code);
  });

  it('ignores a default if there is a value, and hides no failure with it', async () => {
    const store = new InMemorySecretManager({ KEY: '' });
    const { secrets } = await startWith(store);
    store.fail('malformed', { times: 1 });

    const error = await failureOf(() => secrets.getSync('KEY', { default: 'x' }));

    expect(error.code).toBe('MALFORMED');
    expect(secrets.getSync('KEY', { default: 'x' })).toBe('');
  });

  it('passes on params, and caches by them', async () => {
    const store = new InMemorySecretManager({ KEY: 'value' });
    const { secrets } = await startWith(store);

    secrets.getSync('KEY', { params: { version: 1 } });
    secrets.getSync('KEY', { params: { version: 1 } });
    secrets.getSync('KEY', { params: { version: 2 } });

    expect(store.calls.map(({ options }) => options?.params)).toEqual([
      { version: 1 },
      { version: 2 },
    ]);
  });
});
