import type { SecretChange } from 'nestjs-custom-secret-manager';

/** What a listener knows: the value that the handle served last, an absence, or nothing yet. */
type Known = { readonly value: string } | 'absent' | undefined;

interface Cached {
  readonly value: string | undefined;
  readonly version: string | undefined;
}

/** One subscription, and what the promises say of the changes that it gets. */
export class Listener {
  readonly stop: () => void;
  readonly #name: string;
  readonly #cached: () => Cached | undefined;
  readonly #violate: (promise: string) => void;
  #known: Known;
  #hasEnded = false;

  /**
   * @param subscribe subscribes, and returns what unsubscribes
   * @param cached returns the cached reading
   */
  constructor(
    name: string,
    subscribe: (listener: (change: SecretChange) => void) => () => void,
    cached: () => Cached | undefined,
    violate: (promise: string) => void,
  ) {
    this.#name = name;
    this.#cached = cached;
    this.#violate = violate;
    this.#known = known(cached());
    const unsubscribe = subscribe((change) => this.onChange(change));
    this.stop = () => {
      unsubscribe();
      this.#hasEnded = true;
    };
  }

  /** Checks at a settled moment that each change has been told. */
  check(): void {
    const now = known(this.#cached());
    if (this.#hasEnded || now === undefined || now === 'absent') return;
    this.#known ??= now; // not an absence: a value may have come and gone between two checks
    if (!isSame(this.#known, now)) this.#violate(`${this.#name}: a change was not told`);
  }

  private onChange({ version }: SecretChange): void {
    const cached = this.#cached();
    const now = known(cached);
    if (this.#hasEnded) this.#violate(`${this.#name}: told after the end of the subscription`);
    if (now === undefined || now === 'absent' || cached?.version !== version)
      this.#violate(`${this.#name}: told before the cache serves the value`);
    else if (isSame(this.#known, now)) this.#violate(`${this.#name}: an equal value was told`);
    this.#known = now;
  }
}

function known(cached: Cached | undefined): Known {
  if (cached === undefined) return undefined;
  return cached.value === undefined ? 'absent' : { value: cached.value };
}

function isSame(one: Known, other: Known): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
