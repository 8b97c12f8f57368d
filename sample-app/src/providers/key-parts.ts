import { encodingsOf } from './key-forms';
import { type Span } from './spans';

const LENGTH = 8;
const BASE = 31;
const SLOTS = 1 << 16;

/** Finds every eight consecutive characters of a key or of its encodings. Finds a shorter key only as a whole. */
export class KeyParts {
  /** The number of characters in a part. */
  readonly length: number;
  readonly #parts: ReadonlySet<string>;
  readonly #slots = new Uint8Array(SLOTS);
  /** The factor of a part's first character in its hash. */
  readonly #weight: number;

  constructor(keys: readonly string[]) {
    this.length = Math.min(LENGTH, ...keys.map((key) => key.length));
    const forms = keys.flatMap(encodingsOf);
    this.#parts = new Set(forms.flatMap((form) => partsOf(form, this.length)));
    this.#weight = Array.from({ length: this.length - 1 }).reduce<number>(
      (weight) => Math.imul(weight, BASE),
      1,
    );
    for (const part of this.#parts) this.#slots[slotOf(hashOf(part))] = 1;
  }

  /** Returns the ordered, separate spans of parts in a text. Takes linear time: a rolling hash rules out most positions. */
  find(text: string): Span[] {
    const spans: Span[] = [];
    if (this.#parts.size === 0) return spans;
    let [start, end] = [0, 0];
    let hash = hashOf(text.slice(0, this.length - 1));
    for (let at = this.length; at <= text.length; at++) {
      const from = at - this.length;
      hash = (Math.imul(hash, BASE) + text.charCodeAt(at - 1)) | 0;
      if (this.#slots[slotOf(hash)] === 1 && this.#parts.has(text.slice(from, at))) {
        if (from > end) {
          if (end > 0) spans.push([start, end]);
          start = from;
        }
        end = at;
      }
      hash = (hash - Math.imul(text.charCodeAt(from), this.#weight)) | 0;
    }
    if (end > 0) spans.push([start, end]);
    return spans;
  }
}

function partsOf(form: string, length: number): string[] {
  const count = Math.max(0, form.length - length + 1);
  return Array.from({ length: count }, (_, start) => form.slice(start, start + length));
}

function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) {
    hash = (Math.imul(hash, BASE) + text.charCodeAt(at)) | 0;
  }
  return hash;
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 16)) & (SLOTS - 1);
}
