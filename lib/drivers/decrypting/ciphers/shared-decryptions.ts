import { CANCELLATION, shuttingDown, type CallOptions } from '../../../core/calls/cancellation';
import { SharedCall } from '../../../core/calls/shared-call';
import type { OperationContext } from '../../../core/errors/secret-manager.error';
import { now } from '../../../core/time/clock';
import { Deadlines } from '../../../core/time/deadlines';
import { LONGEST_TIMER_MS } from '../../../core/time/durations';
import type { CipherOptions } from './cipher';

/** Decrypts one ciphertext. */
export type Decrypt = (ciphertext: string, options: CipherOptions) => Promise<string>;

/**
 * Shares one decryption among concurrent callers with the same ciphertext, each with its own deadline. Keeps nothing
 * of a decryption that has ended: a kept plaintext would outlive a revoked key.
 */
export class SharedDecryptions {
  readonly #decrypt: Decrypt;
  readonly #calls = new Map<string, SharedCall<string>>();
  readonly #deadlines = new Deadlines();

  constructor(decrypt: Decrypt) {
    this.#decrypt = decrypt;
  }

  /** Resolves to the plaintext. Rejects at the deadline of this caller, and when its signal aborts. */
  wait(
    ciphertext: string,
    options: CallOptions & { readonly timeoutMs: number },
    context: OperationContext,
  ): Promise<string> {
    const { timeoutMs } = options;
    const call = this.#calls.get(ciphertext) ?? this.start(ciphertext, timeoutMs);
    return call.wait(options, timeoutMs, context, this.#deadlines);
  }

  /** Aborts the decryptions in flight. */
  close(context: OperationContext): void {
    for (const call of this.#calls.values()) call.cancel(shuttingDown(context));
    this.#deadlines.close();
  }

  private start(ciphertext: string, timeoutMs: number): SharedCall<string> {
    const call = new SharedCall<string>({ timeoutMs });
    this.#calls.set(ciphertext, call);
    call.add({ cancel: () => this.forget(ciphertext, call) });
    call.share(this.run(ciphertext, call));
    return call;
  }

  private async run(ciphertext: string, call: SharedCall<string>): Promise<string> {
    try {
      return await this.#decrypt(ciphertext, optionsOf(call));
    } finally {
      this.forget(ciphertext, call);
      call.end();
    }
  }

  private forget(ciphertext: string, call: SharedCall<string>): void {
    if (this.#calls.get(ciphertext) === call) this.#calls.delete(ciphertext);
  }
}

/**
 * Returns the limits of a decryption of this library. A signal alone ends it: `timeoutMs` of a shared decryption grows
 * when a caller with a later deadline joins.
 */
export function limitsOf({ signal, timeoutMs }: CipherOptions): CipherOptions {
  return signal === undefined ? { timeoutMs } : { signal, timeoutMs: LONGEST_TIMER_MS };
}

/** Returns the options of a shared call. Callers may join later, so that the time left is computed on access. */
function optionsOf(call: SharedCall<string>): CipherOptions {
  const options = { timeoutMs: 0, signal: call.signal };
  Object.defineProperty(options, CANCELLATION, { value: call });
  return Object.defineProperty(options, 'timeoutMs', {
    enumerable: true,
    get: () => Math.max(0, call.endsAt - now()),
  });
}
