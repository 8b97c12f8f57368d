import type { OperationOptions } from '../contract/custom-secret-manager';
import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';
import { quoteName } from '../errors/wording';
import { startTimer } from '../time/clock';
import { DEFAULT_TIMEOUT_MS } from '../time/durations';
import {
  CANCELLATION,
  cancelWith,
  type CallOptions,
  type CancellationSource,
} from './cancellation';

/**
 * Waits for shared work, and resolves or rejects as the work does. Rejects with `TIMEOUT` after `timeoutMs` of
 * the options (milliseconds, default 30 000). Rejects with `CANCELLED` as soon as `signal` of the options aborts.
 * The work goes on.
 *
 * @param context which manager and operation the error names
 * @param late makes the error of a deadline that has passed
 */
export function waitFor<Outcome>(
  work: Promise<Outcome>,
  options: OperationOptions,
  context: OperationContext,
  late: (context: OperationContext, timeoutMs: number) => SecretManagerError = timedOut,
): Promise<Outcome> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  return new Promise((resolve, reject) => {
    let source: CancellationSource | undefined = undefined;
    const stop = (): void => {
      stopTimer();
      source?.remove(waiting);
    };
    const fail = (reason: SecretManagerError): void => {
      stop();
      reject(reason);
    };
    const waiting = { cancel: fail };
    const stopTimer = startTimer(() => fail(late(context, timeoutMs)), timeoutMs, {
      keepsAlive: true,
    });
    source = cancelWith(options, context, waiting);
    work.then(resolve, reject).finally(stop);
  });
}

/**
 * Waits `delayMs` milliseconds between two attempts of a call. Rejects with `CANCELLED` as soon as `signal` of the
 * options aborts.
 * `timeoutMs` of the options does not count: a signal that the library passes aborts at the deadline.
 */
export function pause(
  delayMs: number,
  options: OperationOptions,
  context: OperationContext,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const wake = (): void => {
      source?.remove(waiting);
      resolve();
    };
    const { [CANCELLATION]: cancellation }: CallOptions = options;
    const keepsAlive = cancellation === undefined; // the waiters of a shared call keep the process alive
    const stopTimer = startTimer(wake, delayMs, { keepsAlive });
    const waiting = {
      cancel(reason: SecretManagerError): void {
        stopTimer();
        reject(reason);
      },
    };
    const source = cancelWith(options, context, waiting);
  });
}

/**
 * Resolves when the work has settled, or after `limitMs` milliseconds: to whether the work has settled in time. Never
 * rejects.
 */
export async function settledWithin(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  let stop = (): void => undefined;
  const passed = new Promise<boolean>((resolve) => {
    stop = startTimer(() => resolve(false), limitMs, { keepsAlive: true });
  });
  const settled = Promise.allSettled([work]).then(() => true);
  return await Promise.race([settled, passed]).finally(() => stop());
}

/** Returns the error of a call whose own deadline has passed. */
export function timedOut(context: OperationContext, timeoutMs: number): SecretManagerError {
  const { manager, secretName } = context;
  const about = secretName === undefined ? '' : ` ${quoteName(secretName)}`;
  return new SecretManagerError(
    'TIMEOUT',
    `${manager} did not answer${about} within ${Math.round(timeoutMs)} ms, the deadline of this call. ` +
      'Check the store, or give the call more time with `timeoutMs`.',
    context,
  );
}

/**
 * The key under which a manager says that its writes and deletions wait for the store, such as for the end of a
 * recovery. The deadline of their call limits them, and not that of an attempt.
 */
export const WRITES_WAIT: unique symbol = Symbol('writes wait for the store');

export function writesWait(manager: object): boolean {
  return Reflect.get(manager, WRITES_WAIT) === true;
}
