import { AsyncResource } from 'node:async_hooks';
import { LONGEST_TIMER_MS, startTimer, type TimerOptions } from './clock';

/** What ends when its time is over. */
export interface Expiring {
  expire(): void;
}

/** To be given back to where it was started. */
export interface RunningTimer {
  /** What it runs for; `undefined` if for nobody. */
  readonly target: Expiring | undefined;
  /** It may still run out, and nobody is told. */
  rest(): void;
  end(): void;
}

/**
 * For timers that are nearly all stopped before their time: the last one to be stopped is started again for the next call.
 * For the only timer of its length Node makes a list and throws it away, which takes as long as the rest of a policy.
 */
export class RestartedTimers {
  /** Outside of every request: what is started again must not keep the context of the first one. */
  readonly #outside = AsyncResource.bind((make: () => RestartableTimer) => make());
  #spare: RestartableTimer | undefined;
  #isClosed = false;

  start(target: Expiring, delayMs: number, options: TimerOptions): RunningTimer {
    if (delayMs > LONGEST_TIMER_MS) return new LongTimer(target, delayMs, options);
    const timer = this.takeSpare(delayMs) ?? this.#outside(() => new RestartableTimer(delayMs));
    timer.start(target, options);
    return timer;
  }

  /** Does nothing if it runs for another target by now. */
  stop(timer: RunningTimer, target: Expiring): void {
    if (timer.target !== target) return;
    timer.rest();
    if (this.#isClosed || !(timer instanceof RestartableTimer && timer.canRestart)) {
      timer.end();
    } else {
      this.#spare?.end();
      this.#spare = timer;
      timer.standBy();
    }
  }

  /** What is stopped from now on is not kept. */
  close(): void {
    this.#isClosed = true;
    this.#spare?.end();
    this.#spare = undefined;
  }

  private takeSpare(delayMs: number): RestartableTimer | undefined {
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
  #hasStoodBy = false;

  constructor(readonly delayMs: number) {
    this.#timeout = setTimeout(() => this.target?.expire(), delayMs);
  }

  /** Whether it is Node's own: `refresh()` of a fake one may do nothing. */
  get canRestart(): boolean {
    return typeof this.#timeout.close === 'function';
  }

  start(target: Expiring, { keepsAlive }: TimerOptions): void {
    this.target = target;
    if (this.#hasStoodBy) {
      this.#timeout.refresh();
      if (keepsAlive) this.#timeout.ref();
    } else if (!keepsAlive) {
      this.#timeout.unref();
    }
  }

  rest(): void {
    this.target = undefined;
  }

  standBy(): void {
    this.#hasStoodBy = true;
    this.#timeout.unref();
  }

  end(): void {
    clearTimeout(this.#timeout);
  }
}

class LongTimer implements RunningTimer {
  target: Expiring | undefined;
  readonly end: () => void;

  constructor(target: Expiring, delayMs: number, options: TimerOptions) {
    this.target = target;
    this.end = startTimer(() => this.target?.expire(), delayMs, options);
  }

  rest(): void {
    this.target = undefined;
  }
}
