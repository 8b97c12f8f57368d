import { now } from '../time/clock';

const MAX_READS = 3;
const WINDOW_MS = 60_000;

/** Node's own `setImmediate`, read at import. Fake timers would stop the reads. */
const runAtEndOfTurn = setImmediate;

interface Reread<Value> {
  /** `true` once the read has left, so that a later rejection needs another read. */
  hasLeft: boolean;
  readonly value: Promise<Value | undefined>;
}

/**
 * Finds the successor of a rejected value, with few reads: one for all callers that were rejected at the same
 * time, and at most three in any 60 s.
 */
export class RejectedValue<Value> {
  readonly #served: () => Value | undefined;
  readonly #read: () => Promise<Value | undefined>;
  #reread: Reread<Value> | undefined;
  /** The times of the last reads, the oldest first. */
  #readAt: readonly number[] = [];

  /**
   * @param served returns the value that is served without asking the store
   * @param read reads the value from the store
   */
  constructor(served: () => Value | undefined, read: () => Promise<Value | undefined>) {
    this.#served = served;
    this.#read = read;
  }

  /** Resolves to a value that differs from the rejected one, or to `undefined` if there is none. */
  async successorOf(rejected: Value): Promise<Value | undefined> {
    const isNew = (value: Value | undefined): boolean => value !== undefined && value !== rejected;
    if (isNew(this.#served())) return this.#served();
    const running = this.#reread;
    if (running?.hasLeft) {
      const value = await running.value;
      if (isNew(value)) return value;
    }
    const value = await this.reread();
    return isNew(value) ? value : undefined;
  }

  /** Reads once for all callers of this turn of the event loop. */
  private reread(): Promise<Value | undefined> {
    if (this.#reread !== undefined && !this.#reread.hasLeft) return this.#reread.value;
    const reread: Reread<Value> = {
      hasLeft: false,
      value: this.readLater(() => (reread.hasLeft = true)),
    };
    this.#reread = reread;
    return reread.value;
  }

  private async readLater(onLeave: () => void): Promise<Value | undefined> {
    await new Promise<void>((resolve) => runAtEndOfTurn(resolve));
    onLeave();
    const at = now();
    this.#readAt = this.#readAt.filter((readAt) => at - readAt < WINDOW_MS);
    if (this.#readAt.length >= MAX_READS) return undefined;
    this.#readAt = [...this.#readAt, at];
    return await this.#read().catch(() => undefined); // the error of the work is thrown instead
  }
}
