import { cancelWith } from '../../../core/calls/cancellation';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { startTimer } from '../../../core/time/clock';

const CONTEXT = { manager: 'hashicorp-vault', operation: 'request' };
const DEFAULT_TIMEOUT_MS = 30_000;

/** Waits for what others wait for too, no longer than the call may take: it leaves alone, with `TIMEOUT` or `CANCELLED`. */
export async function waitFor<Outcome>(
  outcome: Promise<Outcome>,
  options: OperationOptions,
): Promise<Outcome> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  let stop = (): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    const ending = { cancel: reject };
    const source = cancelWith(options, CONTEXT, ending);
    const stopTimer = startTimer(() => reject(late()), timeoutMs, { keepsAlive: true });
    stop = () => {
      source?.remove(ending);
      stopTimer();
    };
  });
  return await Promise.race([outcome, ended]).finally(stop);
}

/** Resolves after so long; rejects if the call ends before. */
export async function pause(delayMs: number, options: OperationOptions): Promise<void> {
  let stop = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    stop = startTimer(resolve, delayMs, { keepsAlive: true });
  });
  await waitFor(passed, options).finally(() => stop());
}

/** Resolves when it is over, well or not, or after so long. */
export async function settledWithin(limitMs: number, work: Promise<unknown>): Promise<void> {
  let stop = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    stop = startTimer(resolve, limitMs, { keepsAlive: true });
  });
  await Promise.race([Promise.allSettled([work]), passed]).finally(() => stop());
}

/** @param place what was asked for: method, host and path, if it was one request */
export function late(place?: string): SecretManagerError {
  const meaning =
    'The server did not answer within the time that the call may take. Check the server, or give the call more time.';
  return new SecretManagerError(
    'TIMEOUT',
    place === undefined ? meaning : `${meaning} (${place})`,
    CONTEXT,
  );
}
