import {
  CANCELLATION,
  Cancellation,
  cancelled,
  type CallOptions,
} from '../../../core/calls/cancellation';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { waitFor } from '../wire/waiting';

const CONTEXT = { manager: 'hashicorp-vault', operation: 'readSecret' };
/** Those who wait have deadlines of their own. */
const TIMEOUT_MS = 24 * 60 * 60_000;

/** One call that any number of callers wait for, each as long as it likes. It ends early when the last of them has left. */
export class SharedCall<Outcome> {
  readonly #cancellation = new Cancellation();
  readonly #outcome: Promise<Outcome>;
  #waiting = 0;

  constructor(begin: (options: OperationOptions) => Promise<Outcome>) {
    const options: CallOptions = { timeoutMs: TIMEOUT_MS, [CANCELLATION]: this.#cancellation };
    this.#outcome = begin(options);
    this.#outcome.catch(() => undefined); // everybody may have left
  }

  /** Whether everybody has left, so that nobody can join any more. */
  get isOver(): boolean {
    return this.#cancellation.reason !== undefined;
  }

  async wait(options: OperationOptions): Promise<Outcome> {
    this.#waiting += 1;
    try {
      return await waitFor(this.#outcome, options);
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#cancellation.cancel(cancelled(CONTEXT));
    }
  }
}
