import { BackgroundTimer } from '../../core/time/background-timer';
import { now } from '../../core/time/clock';

const INTERVAL_MS = 1_000;

/** Makes everything cached expire, at most once a second. A request that comes sooner waits for the second to end. */
export class Resync {
  readonly #expireAll: () => void;
  #lastAt = -Infinity;
  #isWaiting = false;
  readonly #timer = new BackgroundTimer();

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
    this.#timer.set(() => this.run(), delayMs);
  }

  stop(): void {
    this.#timer.stop();
  }

  private run(): void {
    this.#isWaiting = false;
    this.#lastAt = now();
    this.#expireAll();
  }
}
