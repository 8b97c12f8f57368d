import { now } from '../../../core/time/clock';
import type { JwtKey } from './jwt-key';

const MAX_REPLACED = 3;

interface ReadKey {
  readonly text: string;
  /** `undefined` for a text that is no key. */
  readonly key: JwtKey | undefined;
}

interface ReplacedKey extends ReadKey {
  readonly endsAt: number;
}

/** The current key, and those that it has replaced a short time ago. */
export class JwtKeyRing {
  readonly #overlapMs: number;
  readonly #parse: (text: string) => JwtKey;
  #current: ReadKey | undefined;
  #replaced: readonly ReplacedKey[] = [];

  /** @param parse returns the key of a secret's text, or throws */
  constructor(overlapMs: number, parse: (text: string) => JwtKey) {
    this.#overlapMs = overlapMs;
    this.#parse = parse;
  }

  /**
   * Takes the current key over, and returns it. The key before stays valid for the overlap. Throws for a text that
   * is no key, which replaces the key before all the same.
   */
  take(text: string): JwtKey {
    if (text !== this.#current?.text) this.replaceBy(text);
    if (this.#current?.key !== undefined) return this.#current.key;
    const key = this.#parse(text);
    this.#current = { text, key };
    return key;
  }

  /** Returns the first valid key that fits, the current one first. */
  find(fits: (key: JwtKey) => boolean): JwtKey | undefined {
    const at = now();
    this.#replaced = this.#replaced.filter(({ endsAt }) => endsAt > at);
    const keys = [this.#current, ...this.#replaced].flatMap((read) => read?.key ?? []);
    return keys.find(fits);
  }

  private replaceBy(text: string): void {
    const former = this.#current;
    this.#current = { text, key: undefined };
    const others = this.#replaced.filter((replaced) => replaced.text !== text);
    const endsAt = now() + this.#overlapMs;
    const replaced = former?.key === undefined ? [] : [{ ...former, endsAt }];
    this.#replaced = [...replaced, ...others].slice(0, MAX_REPLACED);
  }
}
