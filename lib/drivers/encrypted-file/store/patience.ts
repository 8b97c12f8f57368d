import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { now, startTimer } from '../../../core/time/clock';

const LONGEST_WAIT_MS = 30_000;

/** Waits for a write until its deadline, or until its caller aborts it. */
export class Patience {
  readonly #endsAt: number;
  readonly #signal: AbortSignal | undefined;

  constructor({ timeoutMs = LONGEST_WAIT_MS, signal }: OperationOptions = {}) {
    this.#endsAt = now() + timeoutMs;
    this.#signal = signal;
  }

  /**
   * Resolves to what is awaited, or rejects with `CANCELLED` or `TIMEOUT` if that comes too late.
   *
   * @param isUnderWay tells whether the write has begun, so that its outcome is unknown
   */
  async until<T>(awaited: Promise<T>, isUnderWay: () => boolean): Promise<T> {
    const signal = this.#signal;
    if (signal?.aborted) throw cancelled(isUnderWay());
    let end: (reason: Error) => void = () => undefined;
    const ended = new Promise<never>((_, reject) => (end = reject));
    const onAbort = (): void => end(cancelled(isUnderWay()));
    signal?.addEventListener('abort', onAbort, { once: true });
    const leftMs = Math.max(0, this.#endsAt - now());
    const stopTimer = startTimer(() => end(tooLate(isUnderWay())), leftMs, { keepsAlive: true });
    try {
      return await Promise.race([awaited, ended]);
    } finally {
      stopTimer();
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

function cancelled(isUnderWay: boolean): SecretManagerError {
  return new SecretManagerError(
    'CANCELLED',
    isUnderWay
      ? 'The caller ended the call while the store was written. The write may have succeeded.'
      : 'The caller ended the call while it waited for its turn to write to the store. Nothing was written.',
  );
}

function tooLate(isUnderWay: boolean): SecretManagerError {
  return new SecretManagerError(
    'TIMEOUT',
    isUnderWay
      ? 'The store did not acknowledge the write for as long as the call may take. The write may have succeeded.'
      : 'Others were writing to the store for as long as the call may take. Nothing was written; it may succeed later.',
  );
}
