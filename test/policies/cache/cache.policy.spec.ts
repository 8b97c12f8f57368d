import type { SecretAnswer } from 'nestjs-custom-secret-manager';
import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import type { CacheOptions } from '../../../lib/policies/cache/cache-options';
import { CachePolicy } from '../../../lib/policies/cache/cache.policy';
import { DeadlinePolicy } from '../../../lib/policies/deadline.policy';
import { SingleFlightPolicy } from '../../../lib/policies/single-flight/single-flight.policy';
import {
  ScriptedSecretManager,
  deferred,
  failing,
  failure,
} from '../../support/scripted.secret-manager';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function caching(manager: ScriptedSecretManager, options?: CacheOptions): CachePolicy {
  const deadline = new DeadlinePolicy(new BoundaryPolicy(manager));
  return new CachePolicy(new SingleFlightPolicy(deadline), options);
}

const down = (): never => {
  throw failure('UNAVAILABLE');
};

const valueOf = async (
  reading: Promise<{ value: string } | undefined>,
): Promise<string | undefined> => (await reading)?.value;

describe('CachePolicy', () => {
  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Math, 'random').mockReturnValue(0); // no jitter
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  describe('for a fresh value', () => {
    it('answers without a call to the store', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);

      await cache.readSecret('KEY');
      await jest.advanceTimersByTimeAsync(5 * MINUTE_MS - 1);

      expect(await valueOf(cache.readSecret('KEY'))).toBe('value');
      expect(cache.peek('KEY')).toBe('value');
      expect(manager.asked).toHaveLength(1);
    });

    it('is fresh for up to a tenth less than configured, so that not all expire together', async () => {
      jest.spyOn(Math, 'random').mockReturnValue(0.999_999);
      const manager = new ScriptedSecretManager();
      const cache = caching(manager, { staleWhileRevalidateMs: 0 });

      await cache.readSecret('KEY');
      await jest.advanceTimersByTimeAsync(0.9 * 5 * MINUTE_MS + 1);
      await cache.readSecret('KEY');

      expect(manager.asked).toHaveLength(2);
    });

    it('separates versions and tenants', async () => {
      const manager = new ScriptedSecretManager((_, options) => JSON.stringify(options?.params));
      const cache = caching(manager);

      await cache.readSecret('KEY', { params: { stage: 'AWSCURRENT' } });
      const pending = await valueOf(cache.readSecret('KEY', { params: { stage: 'AWSPENDING' } }));

      expect(pending).toBe('{"stage":"AWSPENDING"}');
      expect(cache.peek('KEY')).toBeUndefined();
    });

    it('asks the store for maxAgeMs 0, and throws its failure', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('KEY');

      manager.script = () => 'new';
      const asked = await valueOf(cache.readSecret('KEY', { maxAgeMs: 0 }));
      manager.script = down;
      const failed = cache.readSecret('KEY', { maxAgeMs: 0 });

      expect(asked).toBe('new');
      await expect(failed).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      expect(cache.peek('KEY')).toBe('new');
    });

    it('asks the store for a value that is older than the caller accepts', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('KEY');

      await jest.advanceTimersByTimeAsync(1_000);
      await cache.readSecret('KEY', { maxAgeMs: 2_000 });
      const before = manager.asked.length;
      await cache.readSecret('KEY', { maxAgeMs: 500 });

      expect([before, manager.asked.length]).toEqual([1, 2]);
    });
  });

  describe('for a value past its time to live', () => {
    it('serves the value at once for a minute while one refresh runs in the background', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('KEY');
      await jest.advanceTimersByTimeAsync(5 * MINUTE_MS);
      manager.script = () => 'new';

      const served = [cache.peek('KEY'), cache.peek('KEY'), await valueOf(cache.readSecret('KEY'))];
      await jest.advanceTimersByTimeAsync(0);

      expect(served).toEqual(['value', 'value', 'value']);
      expect(cache.peek('KEY')).toBe('new');
      expect(manager.asked).toHaveLength(2);
    });

    it('asks the store first after that minute', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('KEY');
      await jest.advanceTimersByTimeAsync(6 * MINUTE_MS);
      manager.script = () => 'new';

      expect(cache.peek('KEY')).toBeUndefined();
      expect(await valueOf(cache.readSecret('KEY'))).toBe('new');
    });

    it.each(['UNAVAILABLE', 'TIMEOUT', 'THROTTLED'] as const)(
      'serves the last value for an hour if the store fails with %s, and not a moment longer',
      async (code) => {
        const manager = new ScriptedSecretManager();
        const cache = caching(manager);
        await cache.readSecret('KEY');
        manager.script = () => {
          throw failure(code);
        };

        await jest.advanceTimersByTimeAsync(HOUR_MS + 5 * MINUTE_MS - 1_000);
        const served = await valueOf(cache.readSecret('KEY'));
        await jest.advanceTimersByTimeAsync(1_000);

        expect(served).toBe('value');
        await expect(cache.readSecret('KEY')).rejects.toMatchObject({ code });
        expect(cache.peek('KEY')).toBeUndefined();
      },
    );

    it.each(['ACCESS_DENIED', 'UNAUTHENTICATED', 'MALFORMED', 'UNKNOWN'] as const)(
      'drops the value at once if the store answers with %s',
      async (code) => {
        const manager = new ScriptedSecretManager();
        const cache = caching(manager);
        await cache.readSecret('KEY');
        await jest.advanceTimersByTimeAsync(6 * MINUTE_MS);
        manager.script = failing(code, 'UNAVAILABLE');

        await expect(cache.readSecret('KEY')).rejects.toMatchObject({ code });
        await expect(cache.readSecret('KEY')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
        expect(cache.inspect()).toEqual([]);
      },
    );

    it('spaces failing refreshes by one second, doubling to thirty', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('KEY');
      await jest.advanceTimersByTimeAsync(5 * MINUTE_MS);
      const askedAt: number[] = [];
      const start = performance.now();
      manager.script = () => {
        askedAt.push(Math.round((performance.now() - start) / 1_000));
        throw failure('UNAVAILABLE');
      };

      for (let second = 0; second < 125; second++) {
        await cache.readSecret('KEY');
        await jest.advanceTimersByTimeAsync(1_000);
      }

      expect(askedAt).toEqual([0, 1, 3, 7, 15, 31, 61, 91, 121]);
    });

    it('spaces an AbortError of the manager itself, too, and keeps the value', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      cache.pin('KEY');
      await cache.readSecret('KEY');
      manager.script = () => {
        throw new DOMException('ended by the manager', 'AbortError');
      };

      await jest.advanceTimersByTimeAsync(5 * MINUTE_MS + 6_000);

      expect(manager.asked).toHaveLength(1 + 3);
      expect(cache.peek('KEY')).toBe('value');
    });

    it.each([
      [{ maxAgeMs: HOUR_MS }, 'UNAVAILABLE'],
      [{ maxAgeMs: 0 }, 'UNAVAILABLE'],
      [{ maxAgeMs: 0, staleIfErrorMs: HOUR_MS }, 'value'],
      [{ maxAgeMs: 0, staleIfErrorMs: 5 * MINUTE_MS }, 'UNAVAILABLE'],
      [{ staleIfErrorMs: 11 * MINUTE_MS }, 'value'],
      [{ staleIfErrorMs: 10 * MINUTE_MS }, 'UNAVAILABLE'],
      [{ staleIfErrorMs: 0 }, 'UNAVAILABLE'],
      [{}, 'value'],
    ])(
      'answers a caller with %o in an outage, ten minutes after the read: %s',
      async (options, expected) => {
        const manager = new ScriptedSecretManager();
        manager.readSecretSync = () => manager.script('KEY') as string;
        const cache = caching(manager);
        await cache.readSecret('KEY');
        await jest.advanceTimersByTimeAsync(10 * MINUTE_MS);
        manager.script = down;
        const outcomeOf = (reading: { value: string } | Error | undefined): string | undefined =>
          reading instanceof Error ? (reading as { code?: string }).code : reading?.value;
        const readSync = () => {
          try {
            return cache.readSecretSync('KEY', options);
          } catch (error) {
            return error as Error;
          }
        };

        const alone = await cache.readSecret('KEY', options).catch((error: Error) => error);
        const inBatch = (await cache.readSecrets(['KEY'], options)).get('KEY');

        expect([alone, inBatch, readSync()].map(outcomeOf)).toEqual([expected, expected, expected]);
      },
    );

    it('serves no stale value to a caller with a small staleIfErrorMs while a refresh runs', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('KEY');
      await jest.advanceTimersByTimeAsync(5 * MINUTE_MS + 1);
      manager.script = down;

      const reading = cache.readSecret('KEY', { staleIfErrorMs: 0 });

      await expect(reading).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    });

    it('marks stale values, and logs the start and the end once', async () => {
      const onStateChange = jest.fn();
      const manager = new ScriptedSecretManager();
      const cache = caching(manager, { onStateChange });
      await cache.readSecrets(['A', 'B']);
      await jest.advanceTimersByTimeAsync(7 * MINUTE_MS);

      manager.script = down;
      await cache.readSecrets(['A', 'B']);
      const during = cache.inspect();
      manager.script = () => 'new';
      await jest.advanceTimersByTimeAsync(MINUTE_MS);
      await cache.readSecrets(['A', 'B']);

      expect(during.map(({ name, state }) => [name, state])).toEqual([
        ['A', 'stale'],
        ['B', 'stale'],
      ]);
      expect(cache.inspect().map(({ state }) => state)).toEqual(['fresh', 'fresh']);
      expect(onStateChange.mock.calls.map(([state]) => state as string)).toEqual([
        'stale',
        'recovered',
      ]);
    });

    it('reports an age that only a reading of the store resets', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('KEY');
      manager.script = down;

      await jest.advanceTimersByTimeAsync(10 * MINUTE_MS);
      await cache.readSecret('KEY');

      expect(cache.inspect()).toEqual([{ name: 'KEY', state: 'stale', ageMs: 10 * MINUTE_MS }]);
    });
  });

  describe('for a value with a lease', () => {
    it('serves the value no longer than its lease, whatever fails', async () => {
      const manager = new ScriptedSecretManager(() => ({ value: 'leased', validForMs: 2_000 }));
      const cache = caching(manager);
      await cache.readSecret('KEY');
      manager.script = down;

      await jest.advanceTimersByTimeAsync(1_900);
      const served = cache.peek('KEY');
      await jest.advanceTimersByTimeAsync(100);

      expect(served).toBe('leased');
      expect(cache.peek('KEY')).toBeUndefined();
      await expect(cache.readSecret('KEY')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    });

    it('does not keep a value whose lease is shorter than the resolution of its clock', async () => {
      const manager = new ScriptedSecretManager(() => ({ value: 'leased', validForMs: 0 }));
      const cache = caching(manager);

      await cache.readSecret('KEY');

      expect(cache.inspect()).toEqual([]);
    });
  });

  it('remembers an absence for ten seconds, but no failure', async () => {
    const manager = new ScriptedSecretManager(() => undefined);
    const cache = caching(manager);

    await cache.readSecret('ABSENT');
    await jest.advanceTimersByTimeAsync(9_999);
    await cache.readSecret('ABSENT');
    const remembered = manager.asked.length;
    await jest.advanceTimersByTimeAsync(1);
    manager.script = failing('UNAVAILABLE');
    await cache.readSecret('ABSENT').catch(() => undefined);
    await cache.readSecret('ABSENT');

    expect(remembered).toBe(1);
    expect(manager.asked).toHaveLength(3);
  });

  it('limits absences separately, so that they evict no value', async () => {
    const manager = new ScriptedSecretManager((name) =>
      name === 'CUSTOMER' ? 'value' : undefined,
    );
    const cache = caching(manager, { absenceTtlMs: HOUR_MS });
    await cache.readSecret('CUSTOMER');

    for (let index = 0; index < 11_000; index++) await cache.readSecret(`made-up-${index}`);
    manager.script = down;

    expect(await valueOf(cache.readSecret('CUSTOMER'))).toBe('value');
    expect(cache.inspect()).toHaveLength(1 + 1_000);
  });

  it('limits absences of names with params separately, too', async () => {
    const manager = new ScriptedSecretManager((name) =>
      name === 'CUSTOMER' ? 'value' : undefined,
    );
    const cache = caching(manager, { maxEntries: 10 });
    const params = { tenant: 'a' };
    await cache.readSecret('CUSTOMER', { params });

    for (let index = 0; index < 30; index++) {
      await cache.readSecrets([`made-up-${index}`], { params });
    }
    manager.script = down;

    expect(await valueOf(cache.readSecret('CUSTOMER', { params }))).toBe('value');
    expect(cache.inspect()).toHaveLength(1 + 10);
  });

  it('replaces an absence by a value, and a value by an absence', async () => {
    const manager = new ScriptedSecretManager(() => undefined);
    const cache = caching(manager);
    await cache.readSecret('KEY');

    manager.script = () => 'value';
    await cache.refresh('KEY');
    const present = cache.inspect().map(({ state }) => state);
    manager.script = () => undefined;
    await cache.refresh('KEY');

    expect([present, cache.inspect().map(({ state }) => state)]).toEqual([['fresh'], ['absent']]);
    expect(cache.peek('KEY')).toBeUndefined();
  });

  it('keeps a limited number of values, and evicts the least recently used', async () => {
    const manager = new ScriptedSecretManager((name) => name);
    const cache = caching(manager, { maxEntries: 3 });
    for (const name of ['A', 'B', 'C']) await cache.readSecret(name);

    cache.peek('A');
    await cache.readSecret('D');

    expect(['A', 'B', 'C', 'D'].map((name) => cache.peek(name))).toEqual([
      'A',
      undefined,
      'C',
      'D',
    ]);
  });

  describe('for a pinned name', () => {
    it('keeps the value fresh without traffic', async () => {
      const manager: ScriptedSecretManager = new ScriptedSecretManager(
        () => `value ${manager.asked.length}`,
      );
      const cache = caching(manager);
      cache.pin('KEY');
      await cache.readSecret('KEY');

      await jest.advanceTimersByTimeAsync(15 * MINUTE_MS);

      expect(cache.peek('KEY')).toBe('value 4');
      expect(cache.inspect()).toMatchObject([{ state: 'fresh' }]);
    });

    it('never evicts it', async () => {
      const cache = caching(new ScriptedSecretManager((name) => name), { maxEntries: 2 });
      cache.pin('PINNED');
      for (const name of ['PINNED', 'A', 'B', 'C', 'D']) await cache.readSecret(name);

      expect(cache.peek('PINNED')).toBe('PINNED');
    });

    it('retries with pauses after a denial', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      cache.pin('KEY');
      await cache.readSecret('KEY');
      manager.script = failing('ACCESS_DENIED', 'ACCESS_DENIED');

      await jest.advanceTimersByTimeAsync(5 * MINUTE_MS + 10);
      const denied = cache.peek('KEY');
      await jest.advanceTimersByTimeAsync(10_000);

      expect(denied).toBeUndefined();
      expect(cache.peek('KEY')).toBe('value');
      expect(manager.asked).toHaveLength(4);
    });

    it('renews a lease before it ends', async () => {
      const manager: ScriptedSecretManager = new ScriptedSecretManager(() => ({
        value: `lease ${manager.asked.length}`,
        validForMs: 3_000,
      }));
      const cache = caching(manager);
      cache.pin('KEY');
      await cache.readSecret('KEY');

      await jest.advanceTimersByTimeAsync(2_500);

      expect(cache.peek('KEY')).toBe('lease 2');
    });
  });

  describe('refresh', () => {
    it('reads at once, despite any pause', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('KEY');
      manager.script = down;
      await cache.refresh('KEY').catch(() => undefined);
      manager.script = () => 'new';

      await cache.refresh('KEY');

      expect(cache.peek('KEY')).toBe('new');
    });

    it('rejects with a transient failure, and keeps the value', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('KEY');
      manager.script = down;

      await expect(cache.refresh('KEY')).rejects.toMatchObject({ code: 'UNAVAILABLE' });

      expect(cache.peek('KEY')).toBe('value');
    });

    it('rejects with a denial, and drops the value', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('KEY');
      manager.script = failing('ACCESS_DENIED');

      await expect(cache.refresh('KEY')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });

      expect(cache.inspect()).toEqual([]);
    });

    it('reads all cached secrets, with their params, without a name', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('A');
      await cache.readSecret('B', { params: { version: 1 } });

      await cache.refresh();

      expect(manager.asked.slice(2).map(({ name, options }) => [name, options?.params])).toEqual([
        ['A', undefined],
        ['B', { version: 1 }],
      ]);
    });
  });

  it('asks again after invalidate, and a read in flight does not restore the old value', async () => {
    const { script, answer } = deferred();
    const manager = new ScriptedSecretManager();
    const cache = caching(manager);
    await cache.readSecret('KEY');
    manager.script = script;

    const reading = cache.readSecret('KEY', { maxAgeMs: 0 });
    cache.invalidate('KEY');
    answer('old');
    await reading;

    expect(cache.inspect()).toEqual([]);
  });

  describe('for synchronous reads', () => {
    class SyncManager extends ScriptedSecretManager {
      override readSecretSync(name: string): SecretAnswer {
        this.asked.push({ name, options: undefined });
        return this.script(name) as SecretAnswer;
      }
    }

    it('shares its values with asynchronous reads', async () => {
      const manager = new SyncManager();
      const cache = caching(manager);

      const first = cache.readSecretSync('KEY');
      const second = await cache.readSecret('KEY');

      expect([first?.value, second?.value]).toEqual(['value', 'value']);
      expect(manager.asked).toHaveLength(1);
    });

    it('is not overwritten by an older asynchronous answer', async () => {
      const { script, answer } = deferred();
      const manager = new SyncManager(script);
      const cache = caching(manager);

      const reading = cache.readSecret('KEY');
      manager.script = () => 'new';
      cache.readSecretSync('KEY');
      answer('old');
      await reading;

      expect(cache.peek('KEY')).toBe('new');
    });

    it('serves the last value if the store fails', async () => {
      const manager = new SyncManager();
      const cache = caching(manager);
      cache.readSecretSync('KEY');
      await jest.advanceTimersByTimeAsync(30 * MINUTE_MS);
      manager.script = down;

      expect(cache.readSecretSync('KEY')).toMatchObject({ value: 'value' });
    });

    it('serves cached values to the last moment without a synchronous read, with a background refresh', async () => {
      const manager = new ScriptedSecretManager();
      const cache = caching(manager);
      await cache.readSecret('KEY');
      await jest.advanceTimersByTimeAsync(30 * MINUTE_MS);
      manager.script = () => 'new';

      const served = cache.readSecretSync('KEY')?.value;
      await jest.advanceTimersByTimeAsync(0);

      expect(served).toBe('value');
      expect(cache.readSecretSync('KEY')?.value).toBe('new');
    });

    it('suggests a remedy if there is neither', () => {
      const cache = caching(new ScriptedSecretManager());

      expect(() => cache.readSecretSync('KEY')).toThrow(
        /Override readSecretSync\(\), or .* `preload`/,
      );
    });
  });

  it('leaves nothing behind on close', async () => {
    const cache = caching(new ScriptedSecretManager());
    cache.pin('KEY');
    await cache.readSecret('KEY');
    cache.peek('KEY');

    await cache.close();

    expect(jest.getTimerCount()).toBe(0);
    expect(cache.inspect()).toEqual([]);
  });
});
