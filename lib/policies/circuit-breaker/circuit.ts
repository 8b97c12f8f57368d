import { now } from '../../core/time/clock';

export type CircuitState = 'closed' | 'open' | 'half-open';

/** The verdict of a call on the store. */
export type CallVerdict =
  | { readonly kind: 'answered' | 'failed' | 'silent' }
  /** The store wants no further call for `retryAfterMs`. */
  | { readonly kind: 'paced'; readonly retryAfterMs: number };

export interface CircuitOptions {
  readonly failureThreshold: number;
  readonly resetAfterMs: number;
  /** The number of different names that must have failed before the circuit opens. */
  readonly minNames: number;
}

/** Counts failures in a row, and opens at the threshold. After `resetAfterMs` one call passes as a probe. */
export class Circuit {
  readonly #options: CircuitOptions;
  readonly #failedNames = new Set<string>();
  #failures = 0;
  #openUntil: number | undefined;
  #isProbing = false;
  /** The names of the last failed probe. */
  #lastProbed: ReadonlySet<string> = new Set();

  constructor(options: CircuitOptions) {
    this.#options = options;
  }

  get state(): CircuitState {
    if (this.#openUntil === undefined) return 'closed';
    return this.#isProbing || now() >= this.#openUntil ? 'half-open' : 'open';
  }

  get hasFailures(): boolean {
    return this.#failures > 0;
  }

  /** The time for which calls still fail at once, in milliseconds; `undefined` if the next call passes. */
  get refusedForMs(): number | undefined {
    if (this.#openUntil === undefined) return undefined;
    const leftMs = this.#openUntil - now();
    return leftMs > 0 || this.#isProbing ? Math.max(0, leftMs) : undefined;
  }

  /** Admits a call. Returns whether that call is the probe. */
  admit(): boolean {
    this.#isProbing = this.#openUntil !== undefined;
    return this.#isProbing;
  }

  record(verdict: CallVerdict, names: ReadonlySet<string>, isProbe: boolean): void {
    if (isProbe) this.#isProbing = false;
    switch (verdict.kind) {
      case 'silent':
        break;
      case 'paced':
        if (isProbe) this.openFor(Math.min(verdict.retryAfterMs, this.#options.resetAfterMs));
        break;
      case 'answered':
        this.#failures = 0;
        this.#failedNames.clear();
        this.#openUntil = undefined;
        this.#lastProbed = new Set();
        break;
      case 'failed':
        this.count(names);
        if (isProbe ? this.isNews(names) : this.hasFailedEnough) {
          this.openFor(this.#options.resetAfterMs);
        }
        if (isProbe) this.#lastProbed = names;
    }
  }

  /**
   * Returns whether a failed probe says something about the store. The second failed probe in a row of the same
   * name does not, because that name may be broken alone.
   */
  private isNews(names: ReadonlySet<string>): boolean {
    if (this.#options.minNames === 1) return true;
    return [...names].some((name) => !this.#lastProbed.has(name));
  }

  private get hasFailedEnough(): boolean {
    const { failureThreshold, minNames } = this.#options;
    return this.#failures >= failureThreshold && this.#failedNames.size >= minNames;
  }

  private count(names: ReadonlySet<string>): void {
    this.#failures += 1;
    for (const name of names) {
      if (this.#failedNames.size < this.#options.minNames) this.#failedNames.add(name);
    }
  }

  private openFor(durationMs: number): void {
    this.#openUntil = now() + durationMs;
  }
}
