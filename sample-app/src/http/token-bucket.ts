interface TokenBucketOptions {
  /** The number of tokens after a quiet time. */
  readonly capacity: number;
  readonly perSecond: number;
}

/** Limits a rate: tokens per second in the long run, with a burst of `capacity`. */
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

  /** Takes a token. Returns whether there was one. */
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
