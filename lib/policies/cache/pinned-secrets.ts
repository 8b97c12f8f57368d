import { startTimer, type AgeClock } from '../../core/time/clock';
import type { SharedRead } from '../single-flight/flight';

/** Secrets that stay in the cache and fresh without traffic: one timer for all, which keeps no process alive. */
export class PinnedSecrets {
  readonly #refresh: (read: SharedRead) => void;
  readonly #clock: AgeClock;
  readonly #pinned = new Map<string, { readonly read: SharedRead; dueAt: number }>();
  #wakesAt = Infinity;
  #stopTimer = (): void => undefined;
  #isClosed = false;

  /** @param clock the one that `dueAt` is on */
  constructor(refresh: (read: SharedRead) => void, clock: AgeClock) {
    this.#refresh = refresh;
    this.#clock = clock;
  }

  add(read: SharedRead): void {
    if (!this.#pinned.has(read.key)) this.#pinned.set(read.key, { read, dueAt: Infinity });
  }

  has(key: string): boolean {
    return this.#pinned.has(key);
  }

  plan(key: string, dueAt: number): void {
    const pinned = this.#pinned.get(key);
    if (pinned === undefined) return;
    pinned.dueAt = dueAt;
    this.wakeAt(dueAt);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer();
    this.#pinned.clear();
  }

  private wakeAt(dueAt: number): void {
    if (this.#isClosed || dueAt >= this.#wakesAt) return;
    this.#stopTimer();
    this.#wakesAt = dueAt;
    this.#stopTimer = startTimer(
      () => this.refreshTheDue(),
      Math.max(0, dueAt - this.#clock.now()),
      {
        keepsAlive: false,
      },
    );
  }

  /** What is being refreshed is planned again when the outcome is known. */
  private refreshTheDue(): void {
    this.#wakesAt = Infinity;
    const at = this.#clock.now();
    for (const pinned of this.#pinned.values()) {
      if (pinned.dueAt > at) {
        this.wakeAt(pinned.dueAt);
      } else {
        pinned.dueAt = Infinity;
        this.#refresh(pinned.read);
      }
    }
  }
}
