import { TimerQueue, type Queued } from './timer-queue';

interface Timer extends Queued {
  readonly callback: () => void;
  ref(): Timer;
  unref(): Timer;
}

const real = {
  setTimeout,
  clearTimeout,
  setImmediate,
  performance,
  dateNow: Date.now,
  random: Math.random,
};

/**
 * A clock and timers that move only on demand, fast enough for a hundred thousand runs. Timers that are due at one
 * moment fire in the order of their start.
 */
export class VirtualTime {
  now = 1_000;
  /** The time for which the machine was suspended. Only the wall clock continues then. */
  asleepMs = 0;
  /** Called when everything of one moment has settled. */
  onSettled: () => void = () => undefined;
  readonly #timers = new TimerQueue<Timer>();
  #started = 0;

  install(random: () => number): void {
    Object.assign(globalThis, {
      setTimeout: (callback: () => void, delayMs = 0) => this.set(callback, delayMs),
      clearTimeout: (timer: Timer) => this.#timers.delete(timer),
    });
    Object.defineProperty(globalThis, 'performance', {
      configurable: true,
      writable: true,
      value: { now: () => this.now },
    });
    Date.now = () => this.elapsed;
    Math.random = random;
  }

  uninstall(): void {
    const { setTimeout: set, clearTimeout: clear } = real;
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
    Object.defineProperty(globalThis, 'performance', {
      configurable: true,
      writable: true,
      value: real.performance,
    });
    Date.now = real.dateNow;
    Math.random = real.random;
  }

  /** The elapsed time, asleep or not. */
  get elapsed(): number {
    return this.now + this.asleepMs;
  }

  /** Suspends the machine: no timer continues. */
  suspend(forMs: number): void {
    this.asleepMs += forMs;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Lets every possible promise settle, then moves from timer to timer. */
  async advance(byMs: number): Promise<void> {
    const end = this.now + byMs;
    await this.settle();
    for (let next = this.#timers.take(end); next !== undefined; next = this.#timers.take(end)) {
      this.now = Math.max(this.now, next.at);
      next.callback();
      await this.settle();
    }
    this.now = end;
  }

  /** Waits in virtual time. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.set(resolve, delayMs));
  }

  private async settle(): Promise<void> {
    await settled();
    this.onSettled();
  }

  private set(callback: () => void, delayMs: number): Timer {
    const timer: Timer = {
      at: this.now + Math.max(1, delayMs),
      order: (this.#started += 1),
      callback,
      ref: () => timer,
      unref: () => timer,
    };
    this.#timers.add(timer);
    return timer;
  }
}

/** Resolves when all microtasks have run, after a turn of the event loop. */
function settled(): Promise<void> {
  return new Promise((resolve) => real.setImmediate(resolve));
}

/** Returns a generator of numbers from 0 to 1, so that a run can be repeated (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
