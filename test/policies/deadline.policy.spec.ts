import { getEventListeners, getMaxListeners } from 'node:events';
import { CANCELLATION, Cancellation } from '../../lib/core/calls/cancellation';
import type { OperationOptions } from '../../lib/core/contract/custom-secret-manager';
import { BoundaryPolicy } from '../../lib/policies/boundary.policy';
import { DeadlinePolicy } from '../../lib/policies/deadline.policy';
import { failureOf } from '../support/failure-of';
import { timersLeftBy, timersThatKeepAlive } from '../support/node-timers';
import { ScriptedSecretManager } from '../support/scripted.secret-manager';

const never = (): Promise<never> => new Promise(() => undefined);

describe('DeadlinePolicy', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('cuts off a manager that ignores its deadline', async () => {
    const policy = new DeadlinePolicy(new BoundaryPolicy(new ScriptedSecretManager(never)));

    const reading = policy.readSecret('KEY');
    const outcome = expect(reading).rejects.toMatchObject({
      code: 'TIMEOUT',
      secretName: 'KEY',
      manager: 'scripted',
      operation: 'readSecret',
    });
    await jest.advanceTimersByTimeAsync(10_000);

    await outcome;
  });

  it('gives the manager the rest of the call, but at most the time of an attempt', async () => {
    const manager = new ScriptedSecretManager();
    const policy = new DeadlinePolicy(new BoundaryPolicy(manager), { attemptTimeoutMs: 1_000 });

    await policy.readSecret('SHORT', { timeoutMs: 50 });
    await policy.readSecret('LONG', { timeoutMs: 50_000 });

    expect(manager.asked.map(({ options }) => options?.timeoutMs)).toEqual([50, 1_000]);
  });

  it('gives a write the rest of the call alone, if writes wait for the store', async () => {
    const given: unknown[] = [];
    const keep = async (_: string, options: OperationOptions = {}): Promise<void> =>
      void given.push(options.timeoutMs);
    const manager = Object.assign(new ScriptedSecretManager(), {
      writeSecret: (name: string, _: string, options?: OperationOptions) => keep(name, options),
      deleteSecret: keep,
    });
    const limits = { attemptTimeoutMs: 1_000, writesWait: true };
    const policy = new DeadlinePolicy(new BoundaryPolicy(manager), limits);

    await policy.writeSecret('KEY', 'value', { timeoutMs: 50_000 });
    await policy.deleteSecret('KEY', { timeoutMs: 20_000 });
    await policy.readSecret('KEY', { timeoutMs: 50_000 });

    expect([...given, manager.asked[0]?.options?.timeoutMs]).toEqual([50_000, 20_000, 1_000]);
  });

  it('gives the manager whole milliseconds, as AbortSignal.timeout requires', async () => {
    const manager = new ScriptedSecretManager();
    const policy = new DeadlinePolicy(new BoundaryPolicy(manager));

    await policy.readSecret('KEY', { timeoutMs: 49.25 });

    expect(manager.asked.at(0)?.options?.timeoutMs).toBe(50);
  });

  it('waits for months if configured, and not for a millisecond', async () => {
    const policy = new DeadlinePolicy(new BoundaryPolicy(new ScriptedSecretManager(never)), {
      attemptTimeoutMs: 2 ** 32,
    });
    const settled = jest.fn();

    policy.readSecret('KEY').then(settled, settled);
    await jest.advanceTimersByTimeAsync(2 ** 31);

    expect(settled).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(2 ** 31);
    expect(settled).toHaveBeenCalledTimes(1);
  });

  it('gives a signal that is created when it is read, survives a spread, and aborts at the deadline', async () => {
    const manager = new ScriptedSecretManager(never);
    const policy = new DeadlinePolicy(new BoundaryPolicy(manager), { attemptTimeoutMs: 100 });

    const reading = expect(policy.readSecret('KEY')).rejects.toMatchObject({ code: 'TIMEOUT' });
    const options = manager.asked.at(0)?.options;
    const descriptor = Object.getOwnPropertyDescriptor(options, 'signal');
    const { signal } = { ...options };
    await jest.advanceTimersByTimeAsync(100);
    await reading;

    expect(descriptor).toMatchObject({ enumerable: true, get: expect.any(Function) });
    expect(signal?.aborted).toBe(true);
    expect(Object.keys(options ?? {})).toEqual(['params', 'timeoutMs', 'signal']);
  });

  it.each([
    [
      'an object that inherits from the options',
      (options: object) => Object.create(options) as object,
    ],
    ['a proxy', (options: object) => new Proxy(options, {})],
  ])('gives a signal that %s keeps', async (_, derive) => {
    const manager = new ScriptedSecretManager();
    const policy = new DeadlinePolicy(new BoundaryPolicy(manager));

    await policy.readSecret('KEY');

    const derived = derive(manager.asked[0]?.options ?? {});
    expect(Reflect.get(derived, 'signal')).toBeInstanceOf(AbortSignal);
  });

  it('gives a signal to which the requests of a whole batch may listen without a warning', async () => {
    const manager = new ScriptedSecretManager();
    const policy = new DeadlinePolicy(new BoundaryPolicy(manager));

    await policy.readSecret('KEY');
    const { signal = AbortSignal.abort() } = manager.asked.at(0)?.options ?? {};

    expect(signal.aborted).toBe(false);
    expect(getMaxListeners(signal)).toBe(Infinity);
  });

  it('ends a call at once when its caller aborts', async () => {
    const policy = new DeadlinePolicy(new BoundaryPolicy(new ScriptedSecretManager(never)));
    const controller = new AbortController();

    const reading = policy.readSecret('KEY', { signal: controller.signal });
    controller.abort();

    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('does not call the manager for a caller that has already aborted', async () => {
    const manager = new ScriptedSecretManager();
    const policy = new DeadlinePolicy(new BoundaryPolicy(manager));

    const reading = policy.readSecret('KEY', { signal: AbortSignal.abort() });

    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(manager.asked).toHaveLength(0);
  });

  it("passes only the caller's own deadline and signal to a write", async () => {
    class Writer extends ScriptedSecretManager {
      override writeSecret = jest.fn().mockResolvedValue({});
    }
    const manager = new Writer();
    const policy = new DeadlinePolicy(new BoundaryPolicy(manager));

    await policy.writeSecret('KEY', 'value', { tags: undefined, createOnly: true });

    const [, , options] = manager.writeSecret.mock.calls[0];
    expect(Object.keys(options)).toEqual(['params', 'timeoutMs', 'createOnly', 'signal']);
  });

  it('cancels calls in flight on close, and refuses later ones', async () => {
    const policy = new DeadlinePolicy(new BoundaryPolicy(new ScriptedSecretManager(never)));

    const running = expect(policy.readSecret('KEY')).rejects.toMatchObject({ code: 'CANCELLED' });
    await policy.close();

    await running;
    await expect(policy.readSecret('KEY')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(() => policy.readSecretSync('KEY')).toThrow(
      expect.objectContaining({ code: 'UNAVAILABLE' }),
    );
  });

  it('gives the manager five seconds to close', async () => {
    class Stuck extends ScriptedSecretManager {
      override close = never;
    }
    const policy = new DeadlinePolicy(new BoundaryPolicy(new Stuck()));

    const closing = expect(policy.close()).rejects.toMatchObject({ code: 'TIMEOUT' });
    await jest.advanceTimersByTimeAsync(5_000);

    await closing;
  });

  it('leaves no listener on the signal of a caller', async () => {
    const policy = new DeadlinePolicy(new BoundaryPolicy(new ScriptedSecretManager()));
    const { signal } = new AbortController();

    await Promise.all(Array.from({ length: 10 }, () => policy.readSecret('KEY', { signal })));

    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('keeps the process alive for its own caller, but not for a shared call', async () => {
    jest.useRealTimers();
    const policy = new DeadlinePolicy(new BoundaryPolicy(new ScriptedSecretManager(never)));
    const before = timersThatKeepAlive();

    const options = { [CANCELLATION]: new Cancellation() };
    const shared = failureOf(policy.readSecret('KEY', options));
    const whileShared = timersThatKeepAlive() - before;
    const own = failureOf(policy.readSecret('KEY'));
    const whileOwn = timersThatKeepAlive() - before;
    await policy.close();

    expect([whileShared, whileOwn]).toEqual([0, 1]);
    expect([(await shared).code, (await own).code]).toEqual(['CANCELLED', 'CANCELLED']);
  });

  it('leaves no deadline behind on close', async () => {
    jest.useRealTimers();
    const policy = new DeadlinePolicy(new BoundaryPolicy(new ScriptedSecretManager()));

    const left = await timersLeftBy(async () => {
      await policy.readSecret('KEY');
      await policy.close();
    });

    expect(left).toBe(0);
  });

  it('leaves no timer behind', async () => {
    const policy = new DeadlinePolicy(new BoundaryPolicy(new ScriptedSecretManager()));

    await policy.readSecret('KEY');
    await policy.close();

    expect(jest.getTimerCount()).toBe(0);
  });
});
