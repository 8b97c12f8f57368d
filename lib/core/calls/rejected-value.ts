import { now } from '../time/clock';
import { nextTurn } from '../time/event-loop-turns';

const MAX_VAIN_READS = 3;
const WINDOW_MS = 60_000;

interface Reread<Value> {
  /** `true` once the read has left, so that a later rejection needs another read. */
  hasLeft: boolean;
  readonly value: Promise<Value | undefined>;
}

/**
 * Finds the successor of a rejected value, with few reads: one for all callers that were rejected at the same
 * time, and at most three in any 60 s that find nothing new.
 */
export class RejectedValue<Value> {
  readonly #served: () => Value | undefined;
  readonly #read: () => Promise<Value | undefined>;
  #reread: Reread<Value> | undefined;
  /** The times of the last reads that found nothing new, the oldest first. */
  #vainReadsAt: readonly number[] = [];

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
    const known = this.#served();
    if (isNew(known)) return known;
    const running = this.#reread;
    // its answer may be older than this rejection: what is served since then counts
    if (running?.hasLeft) await running.value;
    const read = isNew(this.#served()) ? undefined : await this.reread(rejected);
    const served = this.#served(); // the read may have been overtaken
    if (isNew(served)) return served;
    return isNew(read) ? read : undefined;
  }

  /** Reads once for all callers of this turn of the event loop. */
  private reread(rejected: Value): Promise<Value | undefined> {
    if (this.#reread !== undefined && !this.#reread.hasLeft) return this.#reread.value;
    const leave = (): void => void (reread.hasLeft = true);
    const reread: Reread<Value> = { hasLeft: false, value: this.readLater(rejected, leave) };
    this.#reread = reread;
    void reread.value.finally(() => {
      if (this.#reread === reread) this.#reread = undefined; // keeps no value
    });
    return reread.value;
  }

  private async readLater(rejected: Value, leave: () => void): Promise<Value | undefined> {
    await nextTurn();
    leave();
    const at = now();
    this.#vainReadsAt = this.#vainReadsAt.filter((readAt) => at - readAt < WINDOW_MS);
    if (this.#vainReadsAt.length >= MAX_VAIN_READS) return undefined;
    // the caller throws the error of its work instead
    const value = await this.#read().catch(() => undefined);
    if (value === undefined || value === rejected) this.#vainReadsAt = [...this.#vainReadsAt, at];
    return value;
  }
}

/** Returns whether the function of a team returns `true` for the error. A failure and a promise count as `false`. */
export function isRejection(isRejected: (error: unknown) => boolean, error: unknown): boolean {
  try {
    const result: unknown = isRejected(error);
    Promise.resolve(result).catch(() => undefined); // a promise that rejects must not end the process
    return result === true;
  } catch {
    return false;
  }
}
