import { encodingsOf, shortenedIn, type Span } from './key-forms';
import { mapTexts } from './map-texts';

const LENGTH = 8;
const SHORTEST_KEY = 4;
const MARK = '[redacted]';

/**
 * Removes a provider's keys from its answers: every eight characters in a row of a key, unchanged, percent-encoded or
 * in Base64. A key of 4 to 7 characters is removed as a whole.
 */
export class Redaction {
  readonly #keys: readonly string[];
  readonly #length: number;
  readonly #parts: ReadonlySet<string>;
  readonly #alphabet: ReadonlySet<string>;

  constructor(keys: readonly (string | undefined)[]) {
    this.#keys = keys.flatMap((key = '') => (key.length < SHORTEST_KEY ? [] : key));
    this.#length = Math.min(LENGTH, ...this.#keys.map((key) => key.length));
    const forms = this.#keys.flatMap(encodingsOf);
    this.#parts = new Set(forms.flatMap((form) => partsOf(form, this.#length)));
    this.#alphabet = new Set(forms.join(''));
  }

  /** Returns a copy of parsed JSON in which every text and every name is redacted. */
  json(value: unknown): unknown {
    return mapTexts(value, (text) => withoutSpans(text, this.spansIn(text)));
  }

  /** Redacts the text of an error. Providers quote a key there, shortened to its ends. */
  error(text: string): string {
    const shortened = this.#keys.flatMap((key) => shortenedIn(text, key));
    return withoutSpans(text, [...this.spansIn(text), ...shortened]);
  }

  /** Returns the redaction of one stream. */
  forStream(): StreamRedaction {
    return new StreamRedaction((text) => this.spansIn(text), this.#length);
  }

  /** Finds the parts of keys in one pass. A character that is in no key rules out every part with it. */
  private spansIn(text: string): Span[] {
    const spans: Span[] = [];
    for (let end = this.#length; end <= text.length;) {
      const isPossible = this.#alphabet.has(text.charAt(end - 1));
      const start = end - this.#length;
      if (isPossible && this.#parts.has(text.slice(start, end))) spans.push([start, end]);
      end += isPossible ? 1 : this.#length;
    }
    return spans;
  }
}

const MOST_TEXTS = 1_000;

interface Tail {
  readonly text: string;
  readonly isRedacted: boolean;
}

/**
 * Redacts the chunks of a stream, where a key may be spread over several. It holds no text back, so seven characters
 * of a key may pass before the eighth reveals them. A text below `delta` continues in the next chunk.
 */
export class StreamRedaction {
  readonly #tails = new Map<string, Tail>();

  constructor(
    private readonly spansIn: (text: string) => Span[],
    private readonly length: number,
  ) {}

  json(chunk: unknown): unknown {
    return mapTexts(chunk, (text, path) =>
      path.includes('/delta/') ? this.next(path, text) : withoutSpans(text, this.spansIn(text)),
    );
  }

  private next(path: string, text: string): string {
    if (text === '') return text;
    const before = this.#tails.get(path) ?? { text: '', isRedacted: false };
    const whole = before.text + text;
    const from = before.text.length;
    const spans = this.spansIn(whole)
      .filter(([, end]) => end > from)
      .map(([start, end]): Span => [Math.max(start, from), end]);
    if (this.#tails.size >= MOST_TEXTS) this.#tails.clear(); // no provider has so many texts in one stream
    const isRedacted = spans.at(-1)?.[1] === whole.length;
    this.#tails.set(path, { text: whole.slice(1 - this.length), isRedacted });
    const goesOn = before.isRedacted && spans[0]?.[0] === from;
    const redacted = withoutSpans(whole, spans).slice(from);
    return goesOn ? redacted.slice(MARK.length) : redacted; // one mark for one key
  }
}

function partsOf(form: string, length: number): string[] {
  const count = Math.max(0, form.length - length + 1);
  return Array.from({ length: count }, (_, start) => form.slice(start, start + length));
}

function withoutSpans(text: string, spans: readonly Span[]): string {
  let result = '';
  let at = 0;
  for (const [start, end] of [...spans].sort(([one], [other]) => one - other)) {
    if (start > at || (start === at && result === '')) result += text.slice(at, start) + MARK;
    at = Math.max(at, end);
  }
  return result + text.slice(at);
}
