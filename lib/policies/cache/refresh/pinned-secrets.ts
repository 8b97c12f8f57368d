import { BackgroundTimer } from '../../../core/time/background-timer';
import type { AgeClock } from '../../../core/time/clock';
import type { SharedRead } from '../../single-flight/flight';

interface PinnedSecret {
  readonly read: SharedRead;
  dueAt: number;
  /** The number of calls of `add` that have not ended. */
  users: number;
}

/**
 * Secrets that stay cached and fresh without traffic. One timer serves all, and does not keep the process
 * alive.
 */
export class PinnedSecrets {
  readonly #refresh: (read: SharedRead) => void;
  readonly #clock: AgeClock;
  readonly #pinned = new Map<string, PinnedSecret>();
  #wakesAt = Infinity;
  readonly #timer = new BackgroundTimer();
  #isClosed = false;

  /** @param clock the clock of `dueAt` */
  constructor(refresh: (read: SharedRead) => void, clock: AgeClock) {
    this.#refresh = refresh;
    this.#clock = clock;
  }

  add(read: SharedRead): void {
    const pinned = this.#pinned.get(read.key);
    if (pinned === undefined) this.#pinned.set(read.key, { read, dueAt: Infinity, users: 1 });
    else pinned.users += 1;
  }

  /** Ends one `add` of the secret. */
  remove(key: string): void {
    const pinned = this.#pinned.get(key);
    if (pinned === undefined) return;
    pinned.users -= 1;
    if (pinned.users === 0) this.#pinned.delete(key);
  }

  has(key: string): boolean {
    return this.#pinned.has(key);
  }

  names(): string[] {
    return Array.from(this.#pinned.values(), ({ read }) => read.secretName);
  }

  plan(key: string, dueAt: number): void {
    const pinned = this.#pinned.get(key);
    if (pinned === undefined) return;
    pinned.dueAt = dueAt;
    this.wakeAt(dueAt);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.stop();
    this.#pinned.clear();
  }

  private wakeAt(dueAt: number): void {
    if (this.#isClosed || dueAt >= this.#wakesAt) return;
    this.#wakesAt = dueAt;
    this.#timer.set(() => this.refreshDue(), Math.max(0, dueAt - this.#clock.now()));
  }

  /** Refreshes the secrets that are due. The outcome of a refresh plans the next one. */
  private refreshDue(): void {
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
