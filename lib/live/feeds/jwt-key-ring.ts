import { now } from '../../core/time/clock';

const MAX_REPLACED = 3;

interface ReplacedKey {
  readonly key: string;
  readonly endsAt: number;
}

/** The current key, and those that it has replaced a short time ago. */
export class JwtKeyRing {
  readonly #overlapMs: number;
  #current: string | undefined;
  #replaced: readonly ReplacedKey[] = [];

  constructor(overlapMs: number) {
    this.#overlapMs = overlapMs;
  }

  /** Takes the current key over. The key before stays valid for the overlap. */
  take(key: string): void {
    if (key === this.#current) return;
    const former = this.#current;
    const others = this.#replaced.filter((replaced) => replaced.key !== key);
    this.#current = key;
    if (former === undefined) return;
    const endsAt = now() + this.#overlapMs;
    this.#replaced = [{ key: former, endsAt }, ...others].slice(0, MAX_REPLACED);
  }

  /** Returns the first valid key that fits, the current one first. */
  find(fits: (key: string) => boolean): string | undefined {
    const at = now();
    this.#replaced = this.#replaced.filter(({ endsAt }) => endsAt > at);
    const keys = this.#replaced.map(({ key }) => key);
    return [...(this.#current === undefined ? [] : [this.#current]), ...keys].find(fits);
  }
}
