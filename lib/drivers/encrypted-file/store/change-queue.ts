import { Damage } from '../pages/damage';
import type { Draft } from './draft';
import type { Patience } from './patience';

/** The changes of one commit at most. */
const BATCH = 128;

/** A change that waits for its commit. */
export interface PendingChange {
  /** Tells whether its caller still waits. */
  readonly isAwaited: boolean;
  /** Adds the change to a draft. Keeps what it throws for its caller. */
  apply(draft: Draft): void;
  /** Called when the draft is on the disk. */
  succeed(): void;
  fail(reason: unknown): void;
}

/** Commits a batch, and settles each change of it. */
export type CommitBatch = (batch: readonly PendingChange[]) => Promise<void>;

/** Gathers the changes that come during a commit for the next one, so that many writes at once share the disk's time. */
export class ChangeQueue {
  readonly #commit: CommitBatch;
  #waiting: PendingChange[] = [];
  #emptied: Promise<void> | undefined;

  constructor(commit: CommitBatch) {
    this.#commit = commit;
  }

  async add<T>(change: (draft: Draft) => T, patience: Patience): Promise<T> {
    const pending = new Pending(change);
    this.#waiting.push(pending);
    this.#emptied ??= this.empty().finally(() => (this.#emptied = undefined));
    try {
      return await patience.until(pending.settled, () => pending.isUnderWay);
    } finally {
      pending.isAwaited = false;
    }
  }

  /** Resolves when no change is left. */
  async end(): Promise<void> {
    await this.#emptied;
  }

  private async empty(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH).filter(({ isAwaited }) => isAwaited);
      if (batch.length > 0) await this.#commit(batch);
    }
  }
}

class Pending<T> implements PendingChange {
  readonly settled: Promise<T>;
  isAwaited = true;
  isUnderWay = false;
  readonly #change: (draft: Draft) => T;
  #resolve: (value: T) => void = () => undefined;
  #reject: (reason: unknown) => void = () => undefined;
  #settle: () => void = () => undefined;

  constructor(change: (draft: Draft) => T) {
    this.#change = change;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.settled.catch(() => undefined); // its caller may have left
  }

  apply(draft: Draft): void {
    this.isUnderWay = true;
    try {
      const value = this.#change(draft);
      this.#settle = () => this.#resolve(value);
    } catch (thrown) {
      if (thrown instanceof Damage) throw thrown;
      this.#settle = () => this.#reject(thrown);
    }
  }

  succeed(): void {
    this.#settle();
  }

  fail(reason: unknown): void {
    this.#reject(reason);
  }
}
