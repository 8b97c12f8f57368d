import { AsyncResource } from 'node:async_hooks';
import { now, type TimerOptions } from './clock';
import { LONGEST_TIMER_MS } from './durations';
import { UnorderedSet, type Indexed } from './unordered-set';

/** A target that ends when its deadline passes. */
export interface Expiring {
  expire(): void;
}

/** The deadline of one target. */
export class Deadline<Target extends Expiring = Expiring> implements Indexed {
  index = -1;

  constructor(
    readonly target: Target,
    readonly endsAt: number,
    readonly keepsAlive: boolean,
  ) {}
}

/**
 * The deadlines of everything in flight, with one shared timer.
 *
 * Nearly every target ends before its deadline. The timer is therefore set to the earliest deadline, and stays
 * when that deadline is stopped. A timer per call would take as long as the rest of a policy.
 */
export class Deadlines<Target extends Expiring = Expiring> implements Iterable<Target> {
  readonly #running = new UnorderedSet<Deadline<Target>>();
  /**
   * Runs a function outside of every request. The timer must not keep the async context of the request that set
   * it.
   */
  readonly #runOutside = AsyncResource.bind((set: () => SharedTimer) => set());
  #timer: SharedTimer | undefined;
  /** The number of deadlines that keep the process alive. */
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

  /** Stops a deadline. Does nothing if it has passed. */
  stop(deadline: Deadline<Target>): void {
    if (!this.#running.remove(deadline)) return;
    if (deadline.keepsAlive && --this.#awaited === 0) this.#timer?.unref();
    if (this.#isClosed || this.#timer?.isNodeTimer === false) this.clearIfUnused();
  }

  /** Clears the timer as soon as the last deadline has ended. */
  close(): void {
    this.#isClosed = true;
    this.clearIfUnused();
  }

  /** Iterates over the targets. */
  *[Symbol.iterator](): Iterator<Target> {
    for (const { target } of this.#running) yield target;
  }

  private timerUntil(endsAt: number, time: number): SharedTimer {
    if (this.#timer?.isInTimeFor(endsAt) !== true) {
      this.#timer?.clear();
      const onDue = (dueAt: number): void => this.expire(dueAt);
      this.#timer = this.#runOutside(() => new SharedTimer(endsAt, time, onDue));
      if (this.#awaited === 0) this.#timer.unref();
    }
    return this.#timer;
  }

  private expire(dueAt: number): void {
    const time = Math.max(dueAt, now()); // a fake clock may stand still
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

/** Node's own `setTimeout`, read at import. Fake timers replace it later. */
const NODE_SET_TIMEOUT = setTimeout;

class SharedTimer {
  readonly #dueAt: number;
  readonly #timeout: NodeJS.Timeout;
  /** The pair of functions that made this timer. A fake `clearTimeout` must not receive a timer of Node. */
  readonly #setTimeout = setTimeout;
  readonly #clearTimeout = clearTimeout;

  /** @param onDue receives the time at which the timer was due */
  constructor(endsAt: number, time: number, onDue: (dueAt: number) => void) {
    const delayMs = Math.min(Math.ceil(endsAt - time), LONGEST_TIMER_MS);
    this.#dueAt = Math.min(endsAt, time + LONGEST_TIMER_MS);
    this.#timeout = setTimeout(() => onDue(this.#dueAt), delayMs);
  }

  /**
   * Returns `true` for a timer of Node, which may stay when no deadline runs. A fake timer may vanish, or fire
   * after the next call.
   */
  get isNodeTimer(): boolean {
    return this.#setTimeout === NODE_SET_TIMEOUT && typeof this.#timeout.close === 'function';
  }

  isInTimeFor(endsAt: number): boolean {
    return this.#dueAt <= endsAt && this.#setTimeout === setTimeout;
  }

  ref(): void {
    this.#timeout.ref();
  }

  unref(): void {
    this.#timeout.unref();
  }

  clear(): void {
    this.#clearTimeout.call(undefined, this.#timeout);
  }
}
