import type { SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import {
  CircuitBreakerPolicy,
  type CircuitBreakerOptions,
} from '../../../lib/policies/circuit-breaker/circuit-breaker.policy';
import { RetryPolicy } from '../../../lib/policies/retry.policy';
import { ScriptedSecretManager, failing, failure } from '../../support/scripted.secret-manager';

function breaking(
  manager: ScriptedSecretManager,
  options?: CircuitBreakerOptions,
): CircuitBreakerPolicy {
  return new CircuitBreakerPolicy(new BoundaryPolicy(manager), options);
}

/** Reads the names in turn. */
async function call(
  policy: CircuitBreakerPolicy,
  times = 1,
  names: readonly string[] = ['KEY', 'OTHER'],
): Promise<string[]> {
  const outcomes: string[] = [];
  for (let index = 0; index < times; index++) {
    outcomes.push(
      await policy.readSecret(names[index % names.length] ?? 'KEY').then(
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

  it('opens after five transient failures in a row, and then fails without a call to the store', async () => {
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

  it('counts a denial and an absence as answers of a healthy store', async () => {
    const manager = new ScriptedSecretManager(
      failing(...codes(4, 'UNAVAILABLE'), 'ACCESS_DENIED', ...codes(4, 'TIMEOUT')),
    );
    const policy = breaking(manager);

    await call(policy, 9);

    expect(policy.state).toBe('closed');
  });

  it.each(['CANCELLED', 'INVALID_ARGUMENT', 'UNKNOWN', 'UNSUPPORTED'] as const)(
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

  it('probes again if the caller aborted the probe', async () => {
    const manager = new ScriptedSecretManager(failing(...codes(5, 'UNAVAILABLE'), 'CANCELLED'));
    const policy = breaking(manager);
    await call(policy, 5);

    jest.advanceTimersByTime(10_000);
    const outcomes = await call(policy, 2);

    expect(outcomes).toEqual(['CANCELLED', 'ok']);
  });

  it('reports once that it opened, and once that it closed', async () => {
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

  it('does not affect health checks', async () => {
    const policy = breaking(new ScriptedSecretManager(down));
    await call(policy, 5);

    await expect(policy.checkHealth()).resolves.toBe(true);
  });

  describe('for one failing secret', () => {
    const failsFor =
      (...broken: readonly string[]) =>
      (name: string): string => {
        if (broken.includes(name)) throw failure('UNAVAILABLE');
        return 'value';
      };

    it('refuses that secret, and no other', async () => {
      const manager = new ScriptedSecretManager(failsFor('database/role'));
      const policy = breaking(manager);
      await call(policy, 5, ['database/role']);

      const refused = policy.readSecret('database/role');

      await expect(refused).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        secretName: 'database/role',
        retryAfterMs: 10_000,
      });
      expect(manager.asked).toHaveLength(5);
      expect(policy.state).toBe('closed');
      expect(await call(policy, 2, ['KEY', 'OTHER'])).toEqual(['ok', 'ok']);
    });

    it('refuses it in a batch, and reads the others', async () => {
      const manager = new ScriptedSecretManager(failsFor('broken'));
      const policy = breaking(manager);
      await call(policy, 5, ['broken']);

      const readings = await policy.readSecrets(['KEY', 'broken']);

      expect(readings.get('KEY')).toMatchObject({ value: 'value' });
      expect(readings.get('broken')).toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 10_000 });
      expect(manager.asked.map(({ name }) => name).slice(5)).toEqual(['KEY']);
    });

    it('counts failures in batches by name', async () => {
      const manager = new ScriptedSecretManager(failsFor('broken'));
      const policy = breaking(manager);
      for (let round = 0; round < 5; round++) await policy.readSecrets(['KEY', 'broken']);

      await policy.readSecrets(['KEY', 'broken']);

      expect(policy.state).toBe('closed');
      expect(manager.asked.filter(({ name }) => name === 'broken')).toHaveLength(5);
    });

    it('refuses it synchronously', () => {
      const manager = new ScriptedSecretManager();
      const readSecretSync = jest.fn(failsFor('broken'));
      manager.readSecretSync = readSecretSync;
      const policy = breaking(manager);
      const read = (): unknown => policy.readSecretSync('broken');
      for (let round = 0; round < 5; round++) expect(read).toThrow();

      expect(read).toThrow(/circuit of this secret is open/);
      expect(policy.readSecretSync('KEY')).toMatchObject({ value: 'value' });
      expect(readSecretSync).toHaveBeenCalledTimes(6);
    });

    it('separates params: the mount of one tenant may be broken', async () => {
      const manager = new ScriptedSecretManager((_, options) => {
        if (options?.params?.mount === 'broken') throw failure('UNAVAILABLE');
        return 'value';
      });
      const policy = breaking(manager);
      const read = (mount: string) => policy.readSecret('KEY', { params: { mount } });
      for (let round = 0; round < 5; round++) await read('broken').catch(() => undefined);

      await expect(read('broken')).rejects.toThrow(/circuit of this secret is open/);
      await expect(read('sound')).resolves.toMatchObject({ value: 'value' });
    });

    it('probes that secret after ten seconds, and closes when it is answered', async () => {
      const manager = new ScriptedSecretManager(failsFor('broken'));
      const policy = breaking(manager);
      await call(policy, 5, ['broken']);
      manager.script = () => 'value';

      jest.advanceTimersByTime(10_000);

      expect(await call(policy, 3, ['broken'])).toEqual(['ok', 'ok', 'ok']);
    });

    it('does not keep the circuit of the store open, even if it is read most often', async () => {
      const manager = new ScriptedSecretManager(down);
      const policy = breaking(manager);
      await call(policy, 5, ['broken', 'sound']);
      manager.script = failsFor('broken');

      const answered: string[] = [];
      for (let round = 0; round < 3; round++) {
        jest.advanceTimersByTime(10_000);
        await call(policy, 3, ['broken']);
        answered.push(...(await call(policy, 1, ['sound'])));
      }

      expect(answered).toEqual(['UNAVAILABLE', 'ok', 'ok']);
      expect(policy.state).toBe('closed');
    });

    it('opens the circuit of the store when a second secret fails before the store has answered', async () => {
      const policy = breaking(new ScriptedSecretManager(down));

      await call(policy, 4, ['A']);
      const alone = policy.state;
      await call(policy, 1, ['B']);

      expect([alone, policy.state]).toEqual(['closed', 'open']);
    });

    it('opens the circuit of the store at the first failure, if the threshold is 1', async () => {
      const policy = breaking(new ScriptedSecretManager(down), { failureThreshold: 1 });

      await call(policy, 1, ['A']);

      expect(policy.state).toBe('open');
    });
  });

  describe('for writes', () => {
    class Writer extends ScriptedSecretManager {
      override writeSecret = jest.fn().mockRejectedValue(failure('UNAVAILABLE'));
      override deleteSecret = jest.fn().mockRejectedValue(failure('UNAVAILABLE'));
    }

    it('stops no read when writes fail', async () => {
      const policy = breaking(new Writer());
      for (let index = 0; index < 10; index++) {
        await policy.writeSecret(`KEY-${index}`, 'too large').catch(() => undefined);
        await policy.deleteSecret(`KEY-${index}`).catch(() => undefined);
      }

      expect(policy.state).toBe('closed');
      expect(await call(policy, 2)).toEqual(['ok', 'ok']);
    });

    it('refuses writes after repeated failures', async () => {
      const manager = new Writer();
      const policy = breaking(manager);
      const write = (name: string) => policy.writeSecret(name, 'value');
      for (const name of ['A', 'B', 'A', 'B', 'A']) await write(name).catch(() => undefined);

      await expect(write('C')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      expect(manager.writeSecret).toHaveBeenCalledTimes(5);
    });

    it('refuses writes while the store does not answer reads', async () => {
      const manager = new Writer(down);
      const policy = breaking(manager);
      await call(policy, 5);

      await expect(policy.writeSecret('KEY', 'value')).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        operation: 'writeSecret',
      });
      expect(manager.writeSecret).not.toHaveBeenCalled();
    });
  });

  describe('for a store that asks for a delay', () => {
    const busy = (): never => {
      throw failure('THROTTLED', { retryAfterMs: 2_000 });
    };

    it('does not open', async () => {
      const policy = breaking(new ScriptedSecretManager(busy));

      await call(policy, 20);

      expect(policy.state).toBe('closed');
    });

    it('opens if the store asks for no delay', async () => {
      const policy = breaking(new ScriptedSecretManager(() => failing('THROTTLED')('KEY')));

      await call(policy, 5);

      expect(policy.state).toBe('open');
    });

    it('stays open for the delay of a probe, up to ten seconds', async () => {
      const manager = new ScriptedSecretManager(down);
      const policy = breaking(manager);
      await call(policy, 5);
      manager.script = () => {
        throw failure('THROTTLED', { retryAfterMs: 3_600_000 });
      };
      jest.advanceTimersByTime(10_000);
      await call(policy);
      jest.advanceTimersByTime(10_000);
      manager.script = busy;

      await call(policy);
      const asked = manager.asked.length;
      jest.advanceTimersByTime(1_999);
      await call(policy);

      expect(manager.asked).toHaveLength(asked);
      expect(policy.state).toBe('open');
    });
  });

  it.each([
    'INVALID_ARGUMENT',
    'UNSUPPORTED',
    'MISCONFIGURED',
    'NOT_PERMITTED',
    'UNKNOWN',
  ] as const)(
    'does not close at a dead store because of %s, which may not reach it',
    async (code) => {
      const manager = new ScriptedSecretManager(down);
      const policy = breaking(manager);
      await call(policy, 5);
      manager.script = failing(code);

      jest.advanceTimersByTime(10_000);
      await call(policy);

      expect(policy.state).toBe('half-open');
    },
  );

  it('opens for a failing primary secret, because it is the only one read', async () => {
    const policy = breaking(new ScriptedSecretManager(down), {
      holdsOneSecret: true,
      hasHealthCheck: false,
    });

    await call(policy, 5, ['primary']);

    expect([policy.state, await policy.checkHealth()]).toEqual(['open', false]);
  });

  it('counts as unhealthy while it is open, if the manager has no health check', async () => {
    const policy = breaking(new ScriptedSecretManager(down), { hasHealthCheck: false });
    const before = await policy.checkHealth();

    await call(policy, 5);
    const whileOpen = await policy.checkHealth();
    jest.advanceTimersByTime(10_000);

    expect([before, whileOpen, await policy.checkHealth()]).toEqual([true, false, true]);
  });
});

function codes(times: number, code: SecretManagerErrorCode): SecretManagerErrorCode[] {
  return new Array<SecretManagerErrorCode>(times).fill(code);
}
