import type { SecretAnswer } from 'nestjs-custom-secret-manager';
import { getEventListeners } from 'node:events';
import { BoundaryPolicy } from '../../lib/policies/boundary.policy';
import { RetryPolicy, type RetryOptions } from '../../lib/policies/retry.policy';
import { ScriptedSecretManager, failing, failure } from '../support/scripted.secret-manager';

function retrying(manager: ScriptedSecretManager, options?: RetryOptions): RetryPolicy {
  return new RetryPolicy(new BoundaryPolicy(manager), options);
}

describe('RetryPolicy', () => {
  beforeEach(() => {
    jest.useFakeTimers();
    jest.spyOn(Math, 'random').mockReturnValue(0.5);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  it('retries a read that failed transiently', async () => {
    const manager = new ScriptedSecretManager(failing('UNAVAILABLE', 'TIMEOUT'));

    const reading = retrying(manager).readSecret('KEY');
    await jest.advanceTimersByTimeAsync(10_000);

    await expect(reading).resolves.toMatchObject({ value: 'value' });
    expect(manager.asked).toHaveLength(3);
  });

  it.each([
    'ACCESS_DENIED',
    'UNAUTHENTICATED',
    'NOT_FOUND',
    'MALFORMED',
    'INVALID_ARGUMENT',
    'MISCONFIGURED',
    'UNKNOWN',
  ] as const)('does not retry a read that failed with %s', async (code) => {
    const manager = new ScriptedSecretManager(failing(code));

    await expect(retrying(manager).readSecret('KEY')).rejects.toMatchObject({ code });

    expect(manager.asked).toHaveLength(1);
  });

  it('makes three attempts, the first included, and then throws the last failure', async () => {
    const manager = new ScriptedSecretManager(failing('TIMEOUT', 'THROTTLED', 'UNAVAILABLE'));

    const reading = expect(retrying(manager).readSecret('KEY')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    await jest.advanceTimersByTimeAsync(10_000);

    await reading;
    expect(manager.asked).toHaveLength(3);
  });

  it('pauses for a random part of a time that doubles up to a cap', async () => {
    const askedAt: number[] = [];
    const manager = new ScriptedSecretManager(() => {
      askedAt.push(performance.now());
      throw failure('UNAVAILABLE');
    });
    const policy = retrying(manager, { maxAttempts: 5, baseDelayMs: 100, maxDelayMs: 250 });

    const reading = expect(policy.readSecret('KEY')).rejects.toThrow();
    await jest.advanceTimersByTimeAsync(10_000);
    await reading;

    const pauses = askedAt.slice(1).map((at, index) => at - (askedAt[index] ?? NaN));
    expect(pauses).toEqual([50, 100, 125, 125]);
  });

  it('waits as long as the store asks for', async () => {
    const manager = new ScriptedSecretManager();
    manager.script = () => {
      manager.script = () => 'value';
      throw failure('THROTTLED', { retryAfterMs: 7_000 });
    };

    const reading = retrying(manager).readSecret('KEY');
    await jest.advanceTimersByTimeAsync(6_999);
    const askedBefore = manager.asked.length;
    await jest.advanceTimersByTimeAsync(1);

    await expect(reading).resolves.toBeDefined();
    expect(askedBefore).toBe(1);
  });

  it('fails at once if the store asks for more time than the call has', async () => {
    const manager = new ScriptedSecretManager(() => {
      throw failure('THROTTLED', { retryAfterMs: 7_000 });
    });

    const reading = retrying(manager).readSecret('KEY', { timeoutMs: 1_000 });

    await expect(reading).rejects.toMatchObject({ code: 'THROTTLED', retryAfterMs: 7_000 });
  });

  it('stops waiting at once when the caller aborts', async () => {
    const manager = new ScriptedSecretManager(failing('UNAVAILABLE'));
    const controller = new AbortController();

    const reading = retrying(manager).readSecret('KEY', { signal: controller.signal });
    await jest.advanceTimersByTimeAsync(0);
    controller.abort();

    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(jest.getTimerCount()).toBe(0);
  });

  it('leaves no listener on the signal of a caller', async () => {
    const { signal } = new AbortController();
    const policy = retrying(new ScriptedSecretManager(failing('UNAVAILABLE')));

    const reading = policy.readSecret('KEY', { signal });
    await jest.advanceTimersByTimeAsync(200);

    await expect(reading).resolves.toEqual({ value: 'value' });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('retries one call in ten in the long run, so that an outage does not triple the load', async () => {
    const manager = new ScriptedSecretManager(() => {
      throw failure('UNAVAILABLE');
    });
    const policy = retrying(manager);

    for (let call = 0; call < 1_000; call++) {
      const reading = policy.readSecret('KEY').catch(() => undefined);
      await jest.runAllTimersAsync();
      await reading;
    }

    expect(manager.asked.length).toBeLessThanOrEqual(1_000 + 100 + 100);
    expect(manager.asked.length).toBeGreaterThan(1_000 + 150);
  });

  it('does not retry a write, because its outcome is unknown', async () => {
    class Writer extends ScriptedSecretManager {
      override writeSecret = jest.fn().mockRejectedValue(failure('UNAVAILABLE'));
    }
    const manager = new Writer();

    await expect(retrying(manager).writeSecret('KEY', 'value')).rejects.toThrow();

    expect(manager.writeSecret).toHaveBeenCalledTimes(1);
  });

  it('retries only the names of a batch that failed transiently', async () => {
    const asked: (readonly string[])[] = [];
    class Batching extends ScriptedSecretManager {
      override async readSecrets(
        names: readonly string[],
      ): Promise<Map<string, SecretAnswer | Error>> {
        asked.push(names);
        const outcome = (name: string): SecretAnswer | Error =>
          name === 'DENIED'
            ? failure('ACCESS_DENIED')
            : name === 'SLOW' && asked.length === 1
              ? failure('TIMEOUT')
              : name;
        return new Map(names.map((name) => [name, outcome(name)]));
      }
    }

    const reading = retrying(new Batching()).readSecrets(['A', 'DENIED', 'SLOW']);
    await jest.advanceTimersByTimeAsync(10_000);
    const readings = await reading;

    expect(asked).toEqual([['A', 'DENIED', 'SLOW'], ['SLOW']]);
    expect(readings.get('SLOW')).toMatchObject({ value: 'SLOW' });
    expect(readings.get('DENIED')).toMatchObject({ code: 'ACCESS_DENIED' });
  });
});
