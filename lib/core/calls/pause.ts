import type { OperationContext, SecretManagerError } from '../errors/secret-manager.error';
import { startTimer } from '../time/clock';
import { CANCELLATION, cancelWith, type CallOptions } from './cancellation';

/** Waits `delayMs` between two attempts of a call, or rejects as soon as the call ends early. */
export function pause(
  delayMs: number,
  options: CallOptions,
  context: OperationContext,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const wake = (): void => {
      source?.remove(waiting);
      resolve();
    };
    const keepsAlive = options[CANCELLATION] === undefined; // the waiters of a shared call do
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
