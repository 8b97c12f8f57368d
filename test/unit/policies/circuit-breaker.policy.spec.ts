import type { SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import {
  CircuitBreakerPolicy,
  type CircuitBreakerOptions,
} from '../../../lib/policies/circuit-breaker.policy';
import { RetryPolicy } from '../../../lib/policies/retry.policy';
import { failing, failure, ScriptedSecretManager } from '../../support/scripted.secret-manager';

function breaking(
  manager: ScriptedSecretManager,
  options?: CircuitBreakerOptions,
): CircuitBreakerPolicy {
  return new CircuitBreakerPolicy(new BoundaryPolicy(manager), options);
}

async function call(policy: CircuitBreakerPolicy, times = 1): Promise<string[]> {
  const outcomes: string[] = [];
  for (let index = 0; index < times; index++) {
    outcomes.push(
      await policy.readSecret('KEY').then(
        () => 'ok',
        (error: { code: string }) => error.code,
      ),
    );
  }
  return outcomes;
}

const down = (): never => {
  throw failure('UNAVAILABLE');
};

describe('CircuitBreakerPolicy', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('opens after five transient failures in a row, and then fails without asking the store', async () => {
    const manager = new ScriptedSecretManager(down);
    const policy = breaking(manager);

    await call(policy, 5);
    const refused = policy.readSecret('KEY');

    await expect(refused).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      manager: 'scripted',
      retryAfterMs: 10_000,
    });
    expect(manager.asked).toHaveLength(5);
    expect(policy.state).toBe('open');
  });

  it('lets one call through after ten seconds, and closes when it succeeds', async () => {
    const manager = new ScriptedSecretManager(down);
    const policy = breaking(manager);
    await call(policy, 5);
    manager.script = () => 'value';

    jest.advanceTimersByTime(10_000);
    const outcomes = await Promise.all([call(policy), call(policy)]);

    expect(outcomes.flat()).toEqual(['ok', 'UNAVAILABLE']);
    expect(policy.state).toBe('closed');
    expect(await call(policy, 3)).toEqual(['ok', 'ok', 'ok']);
  });

  it('stays open for ten seconds more when the probe fails', async () => {
    const manager = new ScriptedSecretManager(down);
    const policy = breaking(manager);
    await call(policy, 5);

    jest.advanceTimersByTime(10_000);
    await call(policy);
    jest.advanceTimersByTime(9_999);
    await call(policy);

    expect(manager.asked).toHaveLength(6);
    expect(policy.state).toBe('open');
  });

  it('probes with a single attempt', async () => {
    const manager = new ScriptedSecretManager(down);
    const retry = new RetryPolicy(new BoundaryPolicy(manager));
    const policy = new CircuitBreakerPolicy(retry, { failureThreshold: 1 });
    const first = call(policy);
    await jest.runAllTimersAsync();
    await first;

    jest.advanceTimersByTime(10_000);
    await call(policy);

    expect(manager.asked).toHaveLength(3 + 1);
  });

  it('takes a denial and an absence for answers of a healthy store', async () => {
    const manager = new ScriptedSecretManager(
      failing(...codes(4, 'UNAVAILABLE'), 'ACCESS_DENIED', ...codes(4, 'TIMEOUT')),
    );
    const policy = breaking(manager);

    await call(policy, 9);

    expect(policy.state).toBe('closed');
  });

  it.each(['CANCELLED', 'UNKNOWN', 'UNSUPPORTED'] as const)(
    'learns nothing about the store from %s',
    async (code) => {
      const manager = new ScriptedSecretManager(
        failing(...codes(4, 'UNAVAILABLE'), code, 'UNAVAILABLE'),
      );
      const policy = breaking(manager);

      await call(policy, 6);

      expect(policy.state).toBe('open');
    },
  );

  it('probes again if the probe was ended by its caller', async () => {
    const manager = new ScriptedSecretManager(failing(...codes(5, 'UNAVAILABLE'), 'CANCELLED'));
    const policy = breaking(manager);
    await call(policy, 5);

    jest.advanceTimersByTime(10_000);
    const outcomes = await call(policy, 2);

    expect(outcomes).toEqual(['CANCELLED', 'ok']);
  });

  it('tells once that it opened, and once that it closed', async () => {
    const onStateChange = jest.fn();
    const manager = new ScriptedSecretManager(down);
    const policy = breaking(manager, { onStateChange });

    await call(policy, 20);
    jest.advanceTimersByTime(10_000);
    await call(policy);
    manager.script = () => 'value';
    jest.advanceTimersByTime(10_000);
    await call(policy, 5);

    expect(onStateChange.mock.calls).toEqual([['open'], ['closed']]);
  });

  it('lets health checks pass by', async () => {
    const policy = breaking(new ScriptedSecretManager(down));
    await call(policy, 5);

    await expect(policy.checkHealth()).resolves.toBe(true);
  });

  it('counts a write like any other call', async () => {
    class Writer extends ScriptedSecretManager {
      override async writeSecret(): Promise<never> {
        throw failure('UNAVAILABLE');
      }
    }
    const policy = breaking(new Writer(), { failureThreshold: 1 });

    await expect(policy.writeSecret('KEY', 'value')).rejects.toThrow();

    expect(policy.state).toBe('open');
  });
});

function codes(times: number, code: SecretManagerErrorCode): SecretManagerErrorCode[] {
  return new Array<SecretManagerErrorCode>(times).fill(code);
}
