import { now, startTimer } from '../../core/time/clock';

const INTERVAL_MS = 1_000;

/** Makes everything cached expire, at most once a second. A request that comes sooner waits for the second to end. */
export class Resync {
  readonly #expireAll: () => void;
  #lastAt = -Infinity;
  #isWaiting = false;
  #stopTimer = (): void => undefined;

  constructor(expireAll: () => void) {
    this.#expireAll = expireAll;
  }

  request(): void {
    if (this.#isWaiting) return;
    const delayMs = this.#lastAt + INTERVAL_MS - now();
    if (delayMs <= 0) {
      this.run();
      return;
    }
    this.#isWaiting = true;
    this.#stopTimer = startTimer(() => this.run(), delayMs, { keepsAlive: false });
  }

  stop(): void {
    this.#stopTimer();
  }

  private run(): void {
    this.#isWaiting = false;
    this.#lastAt = now();
    this.#expireAll();
  }
}
