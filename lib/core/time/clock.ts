import { LONGEST_TIMER_MS } from './durations';

/** Milliseconds on a clock that no correction of the wall clock moves. Looked up at each call, so that fake timers reach it. */
export function now(): number {
  return performance.now();
}

/** A wall clock that gains more than this on the monotonic one, in milliseconds, was set or has gone on during sleep. */
const WALL_CLOCK_SLACK_MS = 100;

/**
 * A clock for ages and leases, in milliseconds: it counts the time asleep. A monotonic clock stands still while the machine is
 * suspended; a wall clock goes on. This one follows whichever has moved further. A wall clock that is set back changes nothing.
 */
export class AgeClock {
  #asleepMs = 0;
  /** By how much the wall clock was ahead of the monotonic one at the last look. */
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
  /** Whether the timer keeps the process alive: yes if somebody awaits it, no for background work. */
  readonly keepsAlive: boolean;
}

/**
 * Calls back once after `delayMs`, also where that is longer than Node's timers can count (they would fire after 1 ms).
 * Returns what cancels it.
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
  const goOn = (): void => {
    stop = startTimer(callback, delayMs - LONGEST_TIMER_MS, options);
  };
  let stop = startTimer(goOn, LONGEST_TIMER_MS, options);
  return () => stop();
}

/** The same options with a `timeoutMs` that tells, whenever it is read, what is left of the deadline that starts now. */
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
