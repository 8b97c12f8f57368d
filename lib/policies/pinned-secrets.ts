import { now, startTimer } from '../core/clock';

/** Secrets that stay in the cache and fresh without traffic: one timer for all, which keeps no process alive. */
export class PinnedSecrets {
  readonly #refresh: (secretName: string) => void;
  readonly #dueAt = new Map<string, number>();
  #wakesAt = Infinity;
  #stopTimer = (): void => undefined;
  #isClosed = false;

  constructor(refresh: (secretName: string) => void) {
    this.#refresh = refresh;
  }

  add(secretName: string): void {
    if (!this.#dueAt.has(secretName)) this.#dueAt.set(secretName, Infinity);
  }

  has(secretName: string): boolean {
    return this.#dueAt.has(secretName);
  }

  plan(secretName: string, dueAt: number): void {
    this.#dueAt.set(secretName, dueAt);
    this.wakeAt(dueAt);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer();
    this.#dueAt.clear();
  }

  private wakeAt(dueAt: number): void {
    if (this.#isClosed || dueAt >= this.#wakesAt) return;
    this.#stopTimer();
    this.#wakesAt = dueAt;
    this.#stopTimer = startTimer(() => this.refreshTheDue(), Math.max(0, dueAt - now()), {
      keepsAlive: false,
    });
  }

  /** What is being refreshed is planned again when the outcome is known. */
  private refreshTheDue(): void {
    this.#wakesAt = Infinity;
    const at = now();
    for (const [secretName, dueAt] of this.#dueAt) {
      if (dueAt > at) {
        this.wakeAt(dueAt);
      } else {
        this.#dueAt.set(secretName, Infinity);
        this.#refresh(secretName);
      }
    }
  }
}
