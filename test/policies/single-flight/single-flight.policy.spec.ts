import type { SecretAnswer } from 'nestjs-custom-secret-manager';
import { BoundaryPolicy } from '../../../lib/policies/boundary.policy';
import { DeadlinePolicy } from '../../../lib/policies/deadline.policy';
import { RetryPolicy } from '../../../lib/policies/retry.policy';
import { SingleFlightPolicy } from '../../../lib/policies/single-flight/single-flight.policy';
import { failureOf } from '../../support/failure-of';
import { timersLeftBy } from '../../support/node-timers';
import {
  ScriptedSecretManager,
  deferred,
  failing,
  failure,
} from '../../support/scripted.secret-manager';

function sharing(manager: ScriptedSecretManager, readsBatches = false): SingleFlightPolicy {
  const deadline = new DeadlinePolicy(new BoundaryPolicy(manager));
  return new SingleFlightPolicy(deadline, { readsBatches });
}

class Batching extends ScriptedSecretManager {
  readonly batches: (readonly string[])[] = [];
  override async readSecrets(names: readonly string[]): Promise<Map<string, SecretAnswer>> {
    this.batches.push(names);
    return new Map(
      await Promise.all(names.map(async (name) => [name, await this.script(name)] as const)),
    );
  }
}

describe('SingleFlightPolicy', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('makes one call for any number of concurrent reads', async () => {
    const manager = new ScriptedSecretManager();
    const policy = sharing(manager);

    const readings = await Promise.all(
      Array.from({ length: 1_000 }, () => policy.readSecret('KEY')),
    );

    expect(new Set(readings.map((reading) => reading?.value))).toEqual(new Set(['value']));
    expect(manager.asked).toHaveLength(1);
  });

  it('makes one call when it fails, too', async () => {
    const manager = new ScriptedSecretManager(() => {
      throw failure('UNAVAILABLE');
    });
    const policy = sharing(manager);

    const outcomes = await Promise.allSettled([policy.readSecret('KEY'), policy.readSecret('KEY')]);

    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(manager.asked).toHaveLength(1);
  });

  it('makes one call per secret and params, whatever the order of the params', async () => {
    const manager = new ScriptedSecretManager();
    const policy = sharing(manager);

    await Promise.all([
      policy.readSecret('KEY', { params: { mount: 'a', version: 1 } }),
      policy.readSecret('KEY', { params: { version: 1, mount: 'a' } }),
      policy.readSecret('KEY', { params: { mount: 'b', version: 1 } }),
      policy.readSecret('KEY'),
    ]);

    expect(manager.asked).toHaveLength(3);
  });

  it('lets one caller abort without an effect on the others', async () => {
    const { script, answer } = deferred();
    const manager = new ScriptedSecretManager(script);
    const policy = sharing(manager);
    const controller = new AbortController();

    const leaving = expect(
      policy.readSecret('KEY', { signal: controller.signal }),
    ).rejects.toMatchObject({ code: 'CANCELLED', secretName: 'KEY' });
    const staying = policy.readSecret('KEY');
    controller.abort();
    await leaving;
    const wasAborted = manager.asked.at(0)?.options?.signal?.aborted;
    answer('value');

    await expect(staying).resolves.toMatchObject({ value: 'value' });
    expect(wasAborted).toBe(false);
  });

  it('aborts the call with its last caller, and asks again for the next', async () => {
    const { script, answer } = deferred();
    const manager = new ScriptedSecretManager(script);
    const policy = sharing(manager);
    const controller = new AbortController();

    const left = expect(
      policy.readSecret('KEY', { signal: controller.signal }),
    ).rejects.toMatchObject({ code: 'CANCELLED' });
    controller.abort();
    const next = policy.readSecret('KEY');
    await left;
    answer('too late');
    answer('value');

    await expect(next).resolves.toMatchObject({ value: 'value' });
    expect(manager.asked.at(0)?.options?.signal?.aborted).toBe(true);
  });

  it('does not let a batch join a call that is being aborted', async () => {
    const { script, answer } = deferred();
    const manager = new Batching(script);
    const policy = sharing(manager, true);
    const caller = new AbortController();
    const left = failureOf(policy.readSecret('A', { signal: caller.signal }));
    await jest.advanceTimersByTimeAsync(0);
    caller.abort();

    const batch = policy.readSecrets(['A']);
    await jest.advanceTimersByTimeAsync(0);
    for (const value of ['late', 'fresh']) answer(value);

    expect((await left).code).toBe('CANCELLED');
    expect(await batch).toEqual(new Map([['A', { value: 'fresh' }]]));
  });

  it('refreshes beside a call that is being aborted', async () => {
    const { script } = deferred();
    const manager = new ScriptedSecretManager(script);
    const policy = sharing(manager);
    const caller = new AbortController();
    const left = failureOf(policy.readSecret('KEY', { signal: caller.signal }));
    await jest.advanceTimersByTimeAsync(0);
    caller.abort();

    policy.refreshInBackground('KEY', undefined);

    expect((await left).code).toBe('CANCELLED');
    expect(manager.asked).toHaveLength(2);
    await policy.close();
  });

  it('does not let a probe join a health check that is being aborted', async () => {
    const manager = new ScriptedSecretManager();
    let answer = (_isHealthy: boolean): void => undefined;
    const checkHealth = jest
      .spyOn(manager, 'checkHealth')
      .mockImplementation(() => new Promise((resolve) => (answer = resolve)));
    const policy = sharing(manager);
    const caller = new AbortController();
    const left = failureOf(policy.checkHealth({ signal: caller.signal }));
    await jest.advanceTimersByTimeAsync(0);
    caller.abort();

    const next = policy.checkHealth();
    await jest.advanceTimersByTimeAsync(0);
    answer(true);

    expect((await left).code).toBe('CANCELLED');
    await expect(next).resolves.toBe(true);
    expect(checkHealth).toHaveBeenCalledTimes(2);
  });

  it('leaves no deadline behind on close', async () => {
    jest.useRealTimers();
    const policy = new SingleFlightPolicy(new BoundaryPolicy(new ScriptedSecretManager()));

    const left = await timersLeftBy(async () => {
      await policy.readSecret('KEY');
      await policy.close();
    });

    expect(left).toBe(0);
  });

  it('gives each caller its own deadline, and fails none by the deadline of another', async () => {
    const { script, answer } = deferred();
    const policy = sharing(new ScriptedSecretManager(script));

    const hasty = expect(policy.readSecret('KEY', { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    });
    const patient = policy.readSecret('KEY', { timeoutMs: 5_000 });
    await jest.advanceTimersByTimeAsync(50);
    await hasty;
    answer('value');

    await expect(patient).resolves.toMatchObject({ value: 'value' });
  });

  it('asks again for a caller with more time, if the manager kept to the deadline of the first', async () => {
    const manager = new ScriptedSecretManager((_, options) => {
      if (manager.asked.length > 1) return 'value';
      const { timeoutMs } = options ?? {};
      return new Promise((_resolve, reject) => {
        setTimeout(() => reject(failure('TIMEOUT')), timeoutMs);
      });
    });
    const policy = sharing(manager);

    const hasty = policy.readSecret('KEY', { timeoutMs: 50 }).catch(() => undefined);
    const patient = policy.readSecret('KEY', { timeoutMs: 5_000 });
    await jest.advanceTimersByTimeAsync(50);
    await hasty;

    await expect(patient).resolves.toMatchObject({ value: 'value' });
  });

  it('shares calls between a batch and single reads', async () => {
    const manager = new Batching((name) => Promise.resolve(name));
    const policy = sharing(manager, true);

    const single = policy.readSecret('A');
    const batch = policy.readSecrets(['A', 'B', 'C']);
    const late = policy.readSecret('C');
    const readings = await batch;

    expect([...readings.values()]).toMatchObject([{ value: 'A' }, { value: 'B' }, { value: 'C' }]);
    expect([(await single)?.value, (await late)?.value]).toEqual(['A', 'C']);
    expect(manager.asked.map(({ name }) => name)).toEqual(['A']);
    expect(manager.batches).toEqual([['B', 'C']]);
  });

  it('retries the second call after an overtaken read, for waiting and joining callers', async () => {
    const { script, fail } = deferred();
    const manager = new ScriptedSecretManager(script);
    const policy = new SingleFlightPolicy(new RetryPolicy(new BoundaryPolicy(manager)));
    const early = policy.readSecret('KEY');
    policy.supersede();
    fail(failure('UNAVAILABLE'));
    await jest.advanceTimersByTimeAsync(0);
    const late = policy.readSecret('KEY');

    manager.script = failing('UNAVAILABLE');
    fail(failure('UNAVAILABLE'));
    const readings = Promise.all([early, late]);
    await Promise.all([jest.advanceTimersByTimeAsync(10_000), readings.catch(() => undefined)]);

    await expect(readings).resolves.toMatchObject([{ value: 'value' }, { value: 'value' }]);
    expect(manager.asked).toHaveLength(4);
  });

  it('retries the failed names of a batch after a write has overtaken another of its secrets', async () => {
    const manager = new Batching();
    const { script, answer } = deferred();
    manager.script = script;
    const policy = sharing(manager, true);
    const readings = policy.readSecrets(['A', 'B']);
    await jest.advanceTimersByTimeAsync(0);

    policy.supersede('A');
    manager.script = () => 'alone';
    answer('of A');
    answer(failure('UNAVAILABLE') as never);

    expect((await readings).get('B')).toMatchObject({ value: 'alone' });
  });

  it('reports a manager that reads the secret that it is being asked for', async () => {
    const manager = new ScriptedSecretManager(() => policy.readSecret('KEY'));
    const policy = sharing(manager);

    await expect(policy.readSecret('KEY')).rejects.toMatchObject({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('ConfigService'),
    });
  });

  it('makes one health check for any number of probes', async () => {
    class Probed extends ScriptedSecretManager {
      override checkHealth = jest.fn().mockResolvedValue(true);
    }
    const manager = new Probed();
    const policy = sharing(manager);

    const answers = await Promise.all([policy.checkHealth(), policy.checkHealth()]);

    expect(answers).toEqual([true, true]);
    expect(manager.checkHealth).toHaveBeenCalledTimes(1);
  });

  it('gives a health check ten seconds', async () => {
    class Hanging extends ScriptedSecretManager {
      override checkHealth = (): Promise<boolean> => new Promise(() => undefined);
    }
    const policy = sharing(new Hanging());

    const answer = expect(policy.checkHealth()).rejects.toMatchObject({ code: 'TIMEOUT' });
    await jest.advanceTimersByTimeAsync(10_000);

    await answer;
  });

  it('cancels calls in flight on close, and refuses later ones', async () => {
    const { script } = deferred();
    const manager = new ScriptedSecretManager(script);
    const policy = sharing(manager);

    const running = expect(policy.readSecret('KEY')).rejects.toMatchObject({ code: 'CANCELLED' });
    await policy.close();
    await running;

    await expect(policy.readSecret('KEY')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(manager.asked.at(0)?.options?.signal?.aborted).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });
});
