import { now } from '../../core/time/clock';

const MAX_READS = 3;
const WINDOW_MS = 60_000;

/** Node's own `setImmediate`, read at import. Fake timers would stop the reads. */
const runAtEndOfTurn = setImmediate;

interface Reread {
  /** `true` once the read has left, so that a later rejection needs another read. */
  hasLeft: boolean;
  readonly value: Promise<string | undefined>;
}

/**
 * Finds the successor of a rejected value, with few reads: one for all callers that were rejected at the same
 * time, and at most three in any 60 s.
 */
export class RejectedSecret {
  readonly #served: () => string | undefined;
  readonly #read: () => Promise<string>;
  #reread: Reread | undefined;
  /** The times of the last reads, the oldest first. */
  #readAt: readonly number[] = [];

  /**
   * @param served returns the value that is served without asking the store
   * @param read reads the value from the store
   */
  constructor(served: () => string | undefined, read: () => Promise<string>) {
    this.#served = served;
    this.#read = read;
  }

  /** Resolves to a value that differs from the rejected one, or to `undefined` if there is none. */
  async successorOf(rejected: string): Promise<string | undefined> {
    const isNew = (value: string | undefined): boolean => Boolean(value) && value !== rejected;
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
  private reread(): Promise<string | undefined> {
    if (this.#reread !== undefined && !this.#reread.hasLeft) return this.#reread.value;
    const reread: Reread = { hasLeft: false, value: this.readLater(() => (reread.hasLeft = true)) };
    this.#reread = reread;
    return reread.value;
  }

  private async readLater(onLeave: () => void): Promise<string | undefined> {
    await new Promise<void>((resolve) => runAtEndOfTurn(resolve));
    onLeave();
    const at = now();
    this.#readAt = this.#readAt.filter((readAt) => at - readAt < WINDOW_MS);
    if (this.#readAt.length >= MAX_READS) return undefined;
    this.#readAt = [...this.#readAt, at];
    return await this.#read().catch(() => undefined); // the error of the work is thrown instead
  }
}
