import { AsyncResource } from 'node:async_hooks';
import { Bag, type InBag } from './bag';
import { now, type TimerOptions } from './clock';
import { LONGEST_TIMER_MS } from './durations';

/** What ends when its time is over. */
export interface Expiring {
  expire(): void;
}

/** The time that something has, as long as that runs. */
export class Deadline<Target extends Expiring = Expiring> implements InBag {
  place = -1;

  constructor(
    readonly target: Target,
    readonly endsAt: number,
    readonly keepsAlive: boolean,
  ) {}
}

/**
 * The deadlines of everything under way. Nearly all of it ends before its time, so that one timer for all is set ahead to the
 * earliest of them, and left alone when that is called off: to set a timer per call takes as long as the rest of a policy.
 */
export class Deadlines<Target extends Expiring = Expiring> implements Iterable<Target> {
  readonly #running = new Bag<Deadline<Target>>();
  /** Outside of every request: the timer must not keep the context of the one for which it was set. */
  readonly #outside = AsyncResource.bind((set: () => SharedTimer) => set());
  #timer: SharedTimer | undefined;
  /** How many of them keep the process alive. */
  #awaited = 0;
  #isClosed = false;

  start(target: Target, delayMs: number, { keepsAlive }: TimerOptions): Deadline<Target> {
    const time = now();
    const deadline = new Deadline(target, time + delayMs, keepsAlive);
    this.#running.add(deadline);
    const timer = this.timerUntil(deadline.endsAt, time);
    if (keepsAlive && ++this.#awaited === 1) timer.ref();
    return deadline;
  }

  /** Does nothing if it is over. */
  stop(deadline: Deadline<Target>): void {
    if (!this.#running.remove(deadline)) return;
    if (deadline.keepsAlive && --this.#awaited === 0) this.#timer?.unref();
    if (this.#isClosed || this.#timer?.isNodes === false) this.clearIfUnused();
  }

  /** Leaves nothing behind, as soon as everything under way has ended. */
  close(): void {
    this.#isClosed = true;
    this.clearIfUnused();
  }

  /** What they are the deadlines of. */
  *[Symbol.iterator](): Iterator<Target> {
    for (const { target } of this.#running) yield target;
  }

  private timerUntil(endsAt: number, time: number): SharedTimer {
    if (this.#timer?.isInTimeFor(endsAt) !== true) {
      this.#timer?.clear();
      const ring = (dueAt: number): void => this.expire(dueAt);
      this.#timer = this.#outside(() => new SharedTimer(endsAt, time, ring));
      if (this.#awaited === 0) this.#timer.unref();
    }
    return this.#timer;
  }

  private expire(dueAt: number): void {
    const time = Math.max(dueAt, now()); // the clock of a test may stand still
    this.#timer = undefined;
    for (const deadline of this.#running) {
      if (deadline.endsAt > time || !this.#running.has(deadline)) continue;
      this.stop(deadline);
      deadline.target.expire();
    }
    if (this.#running.isEmpty) return;
    let next = Infinity;
    for (const { endsAt } of this.#running) next = Math.min(next, endsAt);
    this.timerUntil(next, time);
  }

  private clearIfUnused(): void {
    if (!this.#running.isEmpty) return;
    this.#timer?.clear();
    this.#timer = undefined;
  }
}

/** As it is at import: what takes its place later is a test's. */
const NODES = setTimeout;

class SharedTimer {
  readonly #dueAt: number;
  readonly #timeout: NodeJS.Timeout;
  /** Fake timers are another clock, and must not be handed what is Node's. */
  readonly #setBy = setTimeout;
  readonly #clearBy = clearTimeout;

  /** @param ring is told when it was due */
  constructor(endsAt: number, time: number, ring: (dueAt: number) => void) {
    const delayMs = Math.min(Math.ceil(endsAt - time), LONGEST_TIMER_MS);
    this.#dueAt = Math.min(endsAt, time + LONGEST_TIMER_MS);
    this.#timeout = setTimeout(() => ring(this.#dueAt), delayMs);
  }

  /** Whether it may be left behind: that of a test may be taken away, or ring when the next call has been made. */
  get isNodes(): boolean {
    return this.#setBy === NODES && typeof this.#timeout.close === 'function';
  }

  isInTimeFor(endsAt: number): boolean {
    return this.#dueAt <= endsAt && this.#setBy === setTimeout;
  }

  ref(): void {
    this.#timeout.ref();
  }

  unref(): void {
    this.#timeout.unref();
  }

  clear(): void {
    this.#clearBy.call(undefined, this.#timeout);
  }
}
