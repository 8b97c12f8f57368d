import type { OperationOptions } from '../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { now, startTimer } from '../../core/time/clock';

const LONGEST_WAIT_MS = 30_000;

/** For how long a caller waits: until its deadline, or until it aborts. */
export class Patience {
  readonly #endsAt: number;
  readonly #signal: AbortSignal | undefined;

  constructor({ timeoutMs = LONGEST_WAIT_MS, signal }: OperationOptions = {}) {
    this.#endsAt = now() + timeoutMs;
    this.#signal = signal;
  }

  /** Resolves to what is awaited, or rejects with `CANCELLED` or `TIMEOUT` if that comes too late. */
  async until<T>(awaited: Promise<T>): Promise<T> {
    const signal = this.#signal;
    if (signal?.aborted) throw cancelled();
    const { promise: ended, reject: end } = withReject();
    const onAbort = (): void => end(cancelled());
    signal?.addEventListener('abort', onAbort, { once: true });
    const stopTimer = startTimer(() => end(tooLate()), Math.max(0, this.#endsAt - now()), {
      keepsAlive: true,
    });
    try {
      return await Promise.race([awaited, ended]);
    } finally {
      stopTimer();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async pause(delayMs: number): Promise<void> {
    let stop = (): void => undefined;
    const passed = new Promise<void>((resolve) => {
      stop = startTimer(resolve, delayMs, { keepsAlive: true });
    });
    await this.until(passed).finally(() => stop());
  }
}

function withReject(): { promise: Promise<never>; reject: (reason: Error) => void } {
  let reject: (reason: Error) => void = () => undefined;
  const promise = new Promise<never>((_, rejects) => (reject = rejects));
  return { promise, reject };
}

function cancelled(): SecretManagerError {
  return new SecretManagerError(
    'CANCELLED',
    'The caller ended the call while it waited for its turn to write to the store. Nothing was written.',
  );
}

function tooLate(): SecretManagerError {
  return new SecretManagerError(
    'TIMEOUT',
    'Others were writing to the store for as long as the call may take. Nothing was written; it may succeed later.',
  );
}
