import { LONGEST_TIMER_MS, startTimer, type TimerOptions } from './clock';

/** What ends when its time is over. */
export interface Expiring {
  expire(): void;
}

/** A timer that runs, to be given back to where it was started. */
export interface RunningTimer {
  /** What it runs for; `undefined` if it runs for nobody. */
  readonly target: Expiring | undefined;
  rest(): void;
}

/**
 * For timers that are nearly all stopped before their time: the last one to be stopped is started again for the next call.
 * For the only timer of its length Node makes a list and throws it away, which takes as long as the rest of a policy.
 */
export class RestartedTimers {
  #spare: RestartableTimer | undefined;
  #isClosed = false;

  start(target: Expiring, delayMs: number, options: TimerOptions): RunningTimer {
    if (delayMs > LONGEST_TIMER_MS) return new LongTimer(target, delayMs, options);
    const timer = this.take(delayMs) ?? new RestartableTimer(delayMs);
    timer.start(target, options);
    return timer;
  }

  /** Does nothing if it runs for somebody else by now. */
  stop(timer: RunningTimer, target: Expiring): void {
    if (timer.target !== target) return;
    timer.rest();
    if (!(timer instanceof RestartableTimer)) return;
    const useless = this.#isClosed ? timer : this.#spare;
    if (!this.#isClosed) this.#spare = timer;
    useless?.end();
  }

  close(): void {
    this.#isClosed = true;
    this.#spare?.end();
    this.#spare = undefined;
  }

  private take(delayMs: number): RestartableTimer | undefined {
    const spare = this.#spare;
    if (spare?.delayMs !== delayMs || spare.madeBy !== setTimeout) return undefined;
    this.#spare = undefined;
    return spare;
  }
}

class RestartableTimer implements RunningTimer {
  target: Expiring | undefined;
  /** Fake timers are another clock. */
  readonly madeBy = setTimeout;
  readonly #timeout: NodeJS.Timeout;

  constructor(readonly delayMs: number) {
    this.#timeout = setTimeout(() => this.target?.expire(), delayMs).unref();
  }

  start(target: Expiring, { keepsAlive }: TimerOptions): void {
    this.target = target;
    this.#timeout.refresh();
    if (keepsAlive) this.#timeout.ref();
  }

  /** It may still run out, and nobody is told. */
  rest(): void {
    this.target = undefined;
    this.#timeout.unref();
  }

  end(): void {
    clearTimeout(this.#timeout);
  }
}

class LongTimer implements RunningTimer {
  target: Expiring | undefined;
  readonly rest: () => void;

  constructor(target: Expiring, delayMs: number, options: TimerOptions) {
    this.target = target;
    this.rest = startTimer(() => target.expire(), delayMs, options);
  }
}
