import { shownEndsIn } from './key-ends';
import { KeyParts } from './key-parts';
import { RedactedTexts } from './redacted-texts';
import { joined, withoutSpans } from './spans';

const SHORTEST_KEY = 4;

/**
 * Removes a provider's keys from its answers: every eight consecutive characters of a key, unchanged, percent-encoded, in
 * Base64 or in hexadecimal. A key of 4 to 7 characters is removed as a whole.
 */
export class Redaction {
  readonly #keys: readonly string[];
  readonly #parts: KeyParts;

  constructor(keys: readonly (string | undefined)[]) {
    this.#keys = keys.flatMap((key = '') => (key.length < SHORTEST_KEY ? [] : key));
    this.#parts = new KeyParts(this.#keys);
  }

  /** Returns a copy of a whole answer with every text and every name redacted. */
  json(answer: object): object {
    return new RedactedTexts(this.#parts, { isStream: false }).next(answer);
  }

  /** Returns a function that redacts the chunks of one stream. It must get them in their order. */
  forStream(): (chunk: object) => object {
    const texts = new RedactedTexts(this.#parts, { isStream: true });
    return (chunk) => texts.next(chunk);
  }

  /** Redacts the text of an error. Providers quote a key there, shortened to its ends. */
  error(text: string): string {
    const ends = this.#keys.flatMap((key) => shownEndsIn(text, key));
    return withoutSpans(text, joined([...this.#parts.find(text), ...ends]));
  }
}
