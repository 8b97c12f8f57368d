import { now } from '../../core/time/clock';

export type CircuitState = 'closed' | 'open' | 'half-open';

/** What the end of a call says of the store. */
export type CallVerdict =
  | { readonly kind: 'answered' | 'failed' | 'silent' }
  /** The store asks to be left alone for so long. */
  | { readonly kind: 'paced'; readonly retryAfterMs: number };

export interface CircuitOptions {
  readonly failureThreshold: number;
  readonly resetAfterMs: number;
  /** How many different names must have failed for it to open. */
  readonly minNames: number;
}

/** Counts failures in a row. Opens at the threshold; after a while it lets one call through as a probe. */
export class Circuit {
  readonly #options: CircuitOptions;
  readonly #failedNames = new Set<string>();
  #failures = 0;
  #openUntil: number | undefined;
  #isProbing = false;
  /** The names whose probe failed last. */
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

  /** How long calls still fail at once, in milliseconds; `undefined` if the next one goes through. */
  get refusedForMs(): number | undefined {
    if (this.#openUntil === undefined) return undefined;
    const leftMs = this.#openUntil - now();
    return leftMs > 0 || this.#isProbing ? Math.max(0, leftMs) : undefined;
  }

  /** Returns whether the call that goes through is the probe. */
  admit(): boolean {
    this.#isProbing = this.#openUntil !== undefined;
    return this.#isProbing;
  }

  ended(verdict: CallVerdict, names: ReadonlySet<string>, isProbe: boolean): void {
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

  /** A name that is broken by itself must not win every probe: its second failure in a row says nothing of the store. */
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
