import { backoffMs } from '../../../core/time/backoff';
import type { AgeClock } from '../../../core/time/clock';

interface Backoff {
  readonly failures: number;
  readonly nextAt: number;
  readonly error: unknown;
  readonly isServing: boolean;
}

const PAUSES = { firstMs: 1_000, longestMs: 30_000 };

/** Spaces failed refreshes, from 1 s doubling to 30 s, so that an outage never causes a call per read. */
export class RefreshBackoff {
  readonly #clock: AgeClock;
  readonly #onStateChange: (state: 'stale' | 'recovered', error?: unknown) => void;
  readonly #backoffs = new Map<string, Backoff>();
  #isStale = false;

  /** @param clock the clock of `nextAt` */
  constructor(
    clock: AgeClock,
    onStateChange: (state: 'stale' | 'recovered', error?: unknown) => void = () => undefined,
  ) {
    this.#clock = clock;
    this.#onStateChange = onStateChange;
  }

  isFailing(key: string): boolean {
    return this.#backoffs.has(key);
  }

  /** Returns whether it is too early for the next refresh. */
  isWaiting(key: string): boolean {
    return this.#clock.now() < this.nextAt(key);
  }

  nextAt(key: string): number {
    return this.#backoffs.get(key)?.nextAt ?? 0;
  }

  /** Returns the error of the last refresh. */
  errorOf(key: string): unknown {
    return this.#backoffs.get(key)?.error;
  }

  /** @param isServing whether a value is served in spite of the failure */
  recordFailure(key: string, error: unknown, isServing: boolean): void {
    const failures = (this.#backoffs.get(key)?.failures ?? 0) + 1;
    const nextAt = this.#clock.now() + backoffMs(failures, PAUSES);
    this.#backoffs.set(key, { failures, nextAt, error, isServing });
    if (!isServing || this.#isStale) return;
    this.#isStale = true;
    this.#onStateChange('stale', error);
  }

  recordSuccess(key: string): void {
    this.#backoffs.delete(key);
    if (!this.#isStale || this.isServingStale()) return;
    this.#isStale = false;
    this.#onStateChange('recovered');
  }

  forget(key: string): void {
    this.#backoffs.delete(key);
    this.#isStale &&= this.isServingStale();
  }

  private isServingStale(): boolean {
    return [...this.#backoffs.values()].some(({ isServing }) => isServing);
  }

  clear(): void {
    this.#backoffs.clear();
  }
}
