import { LONGEST_TIMER_MS, startTimer, type TimerOptions } from './clock';

/** What ends when its time is over. */
export interface Expiring {
  expire(): void;
}

/** The one of Node. Of the fake timers of tests, some cannot be started again. */
const NODES_OWN = setTimeout;

/**
 * For timers that are nearly all stopped before their time: the last one to be stopped is started again for the next call.
 * For the only timer of its length Node makes a list and throws it away, which takes as long as the rest of a policy.
 */
export class RestartedTimers {
  #spare: RunningTimer | undefined;
  #isClosed = false;

  start(target: Expiring, delayMs: number, options: TimerOptions): RunningTimer {
    const spare = this.#spare;
    if (spare?.delayMs !== delayMs || setTimeout !== NODES_OWN) {
      return new RunningTimer(target, delayMs, options);
    }
    this.#spare = undefined;
    spare.restart(target, options);
    return spare;
  }

  /** Does nothing if it runs for another target by now. */
  stop(timer: RunningTimer, target: Expiring): void {
    if (timer.target !== target) return;
    timer.rest();
    if (this.#isClosed || !timer.canRestart) {
      timer.end();
    } else {
      this.#spare?.end();
      this.#spare = timer;
    }
  }

  /** What is stopped from now on is not kept. */
  close(): void {
    this.#isClosed = true;
    this.#spare?.end();
    this.#spare = undefined;
  }
}

export class RunningTimer {
  target: Expiring | undefined;
  readonly #timeout: NodeJS.Timeout | undefined;
  readonly #stop: (() => void) | undefined;

  constructor(
    target: Expiring,
    readonly delayMs: number,
    options: TimerOptions,
  ) {
    this.target = target;
    const ring = (): void => this.target?.expire();
    if (setTimeout === NODES_OWN && delayMs <= LONGEST_TIMER_MS) {
      this.#timeout = setTimeout(ring, delayMs);
      if (!options.keepsAlive) this.#timeout.unref();
    } else {
      this.#stop = startTimer(ring, delayMs, options);
    }
  }

  get canRestart(): boolean {
    return this.#timeout !== undefined;
  }

  restart(target: Expiring, { keepsAlive }: TimerOptions): void {
    this.target = target;
    this.#timeout?.refresh();
    if (keepsAlive) this.#timeout?.ref();
  }

  /** It may still run out, and nobody is told. */
  rest(): void {
    this.target = undefined;
    this.#timeout?.unref();
  }

  end(): void {
    this.#timeout?.close();
    this.#stop?.();
  }
}
