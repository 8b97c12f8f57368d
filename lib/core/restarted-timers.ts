import { LONGEST_TIMER_MS, startTimer, type TimerOptions } from './clock';

/**
 * For timers that are nearly all stopped before their time: the last one to be stopped is started again for the next call.
 * For the only timer of its length Node makes a list and throws it away, which takes as long as the rest of a policy.
 */
export class RestartedTimers {
  #spare: RestartableTimer | undefined;
  #isClosed = false;

  /** As `startTimer`. */
  start(callback: () => void, delayMs: number, options: TimerOptions): () => void {
    if (delayMs > LONGEST_TIMER_MS) return startTimer(callback, delayMs, options);
    const timer = this.take(delayMs) ?? new RestartableTimer(delayMs);
    timer.start(callback, options);
    return () => {
      if (timer.callback === callback) this.stop(timer);
    };
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

  private stop(timer: RestartableTimer): void {
    const useless = this.#isClosed ? timer : this.#spare;
    if (!this.#isClosed) this.#spare = timer;
    timer.rest();
    useless?.end();
  }
}

class RestartableTimer {
  callback: (() => void) | undefined;
  /** Fake timers are another clock. */
  readonly madeBy = setTimeout;
  readonly #timeout: NodeJS.Timeout;

  constructor(readonly delayMs: number) {
    this.#timeout = setTimeout(() => this.callback?.(), delayMs).unref();
  }

  start(callback: () => void, { keepsAlive }: TimerOptions): void {
    this.callback = callback;
    this.#timeout.refresh();
    if (keepsAlive) this.#timeout.ref();
  }

  /** It may still run out, and nobody is called. */
  rest(): void {
    this.callback = undefined;
    this.#timeout.unref();
  }

  end(): void {
    clearTimeout(this.#timeout);
  }
}
