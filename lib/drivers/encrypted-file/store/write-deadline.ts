import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { now, startTimer } from '../../../core/time/clock';

const LONGEST_WAIT_MS = 30_000;

/** Waits for a write until its deadline, or until the caller aborts it. */
export class WriteDeadline {
  readonly #endsAt: number;
  readonly #signal: AbortSignal | undefined;

  constructor({ timeoutMs = LONGEST_WAIT_MS, signal }: OperationOptions = {}) {
    this.#endsAt = now() + timeoutMs;
    this.#signal = signal;
  }

  /**
   * Resolves to the outcome of the write. Rejects with `CANCELLED` on abort, and with `TIMEOUT` at the deadline.
   *
   * @param isInFlight tells whether the write has begun, so that its outcome is unknown
   */
  async wait<T>(write: Promise<T>, isInFlight: () => boolean): Promise<T> {
    const signal = this.#signal;
    if (signal?.aborted) throw cancelled(isInFlight());
    let end: (reason: Error) => void = () => undefined;
    const ended = new Promise<never>((_, reject) => (end = reject));
    const onAbort = (): void => end(cancelled(isInFlight()));
    signal?.addEventListener('abort', onAbort, { once: true });
    const leftMs = Math.max(0, this.#endsAt - now());
    const stopTimer = startTimer(() => end(tooLate(isInFlight())), leftMs, { keepsAlive: true });
    try {
      return await Promise.race([write, ended]);
    } finally {
      stopTimer();
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

function cancelled(isInFlight: boolean): SecretManagerError {
  return new SecretManagerError(
    'CANCELLED',
    isInFlight
      ? 'The caller ended the call while the store was written. The write may have succeeded.'
      : 'The caller ended the call while it waited for its turn to write to the store. Nothing was written.',
  );
}

function tooLate(isInFlight: boolean): SecretManagerError {
  return new SecretManagerError(
    'TIMEOUT',
    isInFlight
      ? 'The store did not acknowledge the write for as long as the call may take. The write may have succeeded.'
      : 'Others were writing to the store for as long as the call may take. Nothing was written; it may succeed later.',
  );
}
