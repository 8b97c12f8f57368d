interface TokenBucketOptions {
  /** How many may be taken at once after a quiet time. */
  readonly capacity: number;
  readonly perSecond: number;
}

/** Permits a number of things a second in the long run, and some more at once. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perMs: number;
  #tokens: number;
  #filledAt = performance.now();

  constructor({ capacity, perSecond }: TokenBucketOptions) {
    this.#capacity = capacity;
    this.#perMs = perSecond / 1_000;
    this.#tokens = capacity;
  }

  /** Returns whether there was a token. */
  take(): boolean {
    const at = performance.now();
    const filled = this.#tokens + (at - this.#filledAt) * this.#perMs;
    this.#tokens = Math.min(this.#capacity, filled);
    this.#filledAt = at;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
