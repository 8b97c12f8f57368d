import { Damage } from '../pages/damage';
import type { Draft } from './draft';
import type { WriteDeadline } from './write-deadline';

/** The most changes in one commit. */
const BATCH = 128;

/** A change that waits for its commit. */
export interface PendingChange {
  /** Tells whether the caller still waits. */
  readonly isAwaited: boolean;
  /** Applies the change to a draft. Keeps its error for the caller; only `Damage` is thrown. */
  apply(draft: Draft): void;
  /** Settles the change. Called when the draft is on the disk. */
  succeed(): void;
  fail(reason: unknown): void;
}

/** Commits a batch, and settles each of its changes. */
export type CommitBatch = (batch: readonly PendingChange[]) => Promise<void>;

/** Collects the changes that arrive during a commit for the next one. Concurrent writes thus share a commit. */
export class ChangeQueue {
  readonly #commit: CommitBatch;
  #waiting: PendingChange[] = [];
  #draining: Promise<void> | undefined;

  constructor(commit: CommitBatch) {
    this.#commit = commit;
  }

  async add<T>(change: (draft: Draft) => T, deadline: WriteDeadline): Promise<T> {
    const pending = new Pending(change);
    this.#waiting.push(pending);
    this.#draining ??= this.commitAll().finally(() => (this.#draining = undefined));
    try {
      return await deadline.wait(pending.settled, () => pending.isInFlight);
    } finally {
      pending.isAwaited = false;
    }
  }

  /** Resolves when no change is left. */
  async drain(): Promise<void> {
    await this.#draining;
  }

  private async commitAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH).filter(({ isAwaited }) => isAwaited);
      if (batch.length > 0) await this.#commit(batch);
    }
  }
}

class Pending<T> implements PendingChange {
  readonly settled: Promise<T>;
  isAwaited = true;
  isInFlight = false;
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
    this.settled.catch(() => undefined); // the caller may have stopped waiting
  }

  apply(draft: Draft): void {
    this.isInFlight = true;
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
