import { isSecretManagerError, isTransient } from '../../../core/errors/secret-manager.error';
import { backoffMs, type BackoffBounds } from '../../../core/time/backoff';
import { BackgroundTimer } from '../../../core/time/background-timer';
import type { AgeClock } from '../../../core/time/clock';

/** How one token or lease is kept alive. */
export interface UpkeepTerms {
  /** The pauses between failed attempts. */
  readonly pauses: BackoffBounds;
  /** Renews it, and calls `extend`. Resolves to `false` if the server ends it. Rejects in an outage. */
  renew(): Promise<boolean>;
  /** Acts on the refusal of a renewal, while it still lives. */
  replace(): Promise<void> | void;
  /** Acts on its end, if no renewal came in time. */
  expire(): void;
}

const RENEWED_AT = 2 / 3;
const JITTER = 0.1;
const SHORTEST_PAUSE_MS = 100;

/**
 * Keeps one token or lease alive in the background, as the lifetime watcher of Vault's Go client does. Renews it when
 * two thirds of its lifetime have passed, and retries until it expires.
 */
export class Upkeep {
  readonly #clock: AgeClock;
  readonly #terms: UpkeepTerms;
  #expiresAt = Infinity;
  #isStopped = false;
  readonly #timer = new BackgroundTimer();

  constructor(clock: AgeClock, terms: UpkeepTerms) {
    this.#clock = clock;
    this.#terms = terms;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** The time at which it expires, on the given clock. */
  get expiresAt(): number {
    return this.#expiresAt;
  }

  get remainingMs(): number {
    return this.#expiresAt - this.#clock.now();
  }

  /** Sets the lifetime, and renews it in time. */
  extend(validForMs: number, expiresAt: number): void {
    this.#expiresAt = expiresAt;
    const delayMs = validForMs * RENEWED_AT * (1 - JITTER * Math.random());
    this.schedule(() => this.retry(() => this.maintain()), delayMs);
  }

  /** Lets it expire. */
  end(): void {
    const { remainingMs } = this;
    if (remainingMs > 0) this.schedule(() => this.end(), remainingMs);
    else if (!this.#isStopped) this.#terms.expire();
  }

  /** Stops every timer. Nothing is called from now on. */
  stop(): void {
    this.#isStopped = true;
    this.#timer.stop();
  }

  /** Does a task, and retries it through an outage until the end. Never rejects. */
  async retry(task: () => Promise<void>, failures = 1): Promise<void> {
    try {
      await task();
    } catch (error) {
      const { remainingMs } = this;
      if (remainingMs <= 0) return this.end();
      const pauseMs = Math.min(this.pauseAfter(error, failures), remainingMs / 2);
      const again = (): Promise<void> => this.retry(task, failures + 1);
      this.schedule(again, Math.max(pauseMs, SHORTEST_PAUSE_MS));
    }
  }

  private async maintain(): Promise<void> {
    if (await this.#terms.renew()) return;
    if (!this.#isStopped) await this.#terms.replace();
  }

  /** An error of the connection is an outage, too. */
  private pauseAfter(error: unknown, failures: number): number {
    const { pauses } = this.#terms;
    const isOutage = !isSecretManagerError(error) || isTransient(error);
    return isOutage ? backoffMs(failures, pauses) : pauses.longestMs;
  }

  private schedule(act: () => Promise<void> | void, delayMs: number): void {
    if (this.#isStopped || delayMs === Infinity) this.#timer.stop();
    else this.#timer.set(() => void act(), delayMs);
  }
}
