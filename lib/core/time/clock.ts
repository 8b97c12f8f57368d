import { LONGEST_TIMER_MS } from './durations';

/**
 * Returns the milliseconds of a monotonic clock. The function looks the clock up at each call, so that fake
 * timers apply.
 */
export function now(): number {
  return performance.now();
}

/**
 * The largest drift between the two clocks, in milliseconds. A larger one means that the machine slept or the
 * wall clock was set.
 */
const WALL_CLOCK_SLACK_MS = 100;

/**
 * A clock for ages and leases, in milliseconds, which counts the time asleep.
 *
 * A monotonic clock stands still while the machine is suspended, and a wall clock goes on. This clock follows
 * the one that has moved further. Setting the wall clock back changes nothing.
 */
export class AgeClock {
  #asleepMs = 0;
  /** The lead of the wall clock over the monotonic one at the last call of `now`. */
  #leadMs = Date.now() - now();

  now(): number {
    const wallClock = Date.now();
    const monotonic = now();
    const gainedMs = wallClock - monotonic - this.#leadMs;
    if (Math.abs(gainedMs) > WALL_CLOCK_SLACK_MS) {
      this.#leadMs += gainedMs;
      this.#asleepMs += Math.max(0, gainedMs);
    }
    return monotonic + this.#asleepMs;
  }
}

export interface TimerOptions {
  /** Keeps the process alive: `true` if a caller waits for the timer, `false` for background work. */
  readonly keepsAlive: boolean;
}

/**
 * Calls back once after `delayMs`, and returns a function that cancels the timer. The delay may exceed the
 * limit of Node's timers, which would fire after 1 ms.
 */
export function startTimer(
  callback: () => void,
  delayMs: number,
  { keepsAlive }: TimerOptions,
): () => void {
  if (delayMs > LONGEST_TIMER_MS) return startLongTimer(callback, delayMs, { keepsAlive });
  const timer = setTimeout(callback, delayMs);
  if (!keepsAlive) timer.unref();
  return () => clearTimeout(timer);
}

function startLongTimer(callback: () => void, delayMs: number, options: TimerOptions): () => void {
  const continueWaiting = (): void => {
    stop = startTimer(callback, delayMs - LONGEST_TIMER_MS, options);
  };
  let stop = startTimer(continueWaiting, LONGEST_TIMER_MS, options);
  return () => stop();
}

/**
 * Returns the options with a `timeoutMs` that counts down. The deadline starts now, and each access returns the
 * time left.
 */
export function countingDown<Options extends object>(
  options: Options,
  timeoutMs: number,
): Options & { readonly timeoutMs: number } {
  const endsAt = now() + timeoutMs;
  return Object.defineProperty({ ...options, timeoutMs }, 'timeoutMs', {
    enumerable: true,
    get: () => Math.max(0, endsAt - now()),
  });
}
