import { tooMuch } from './bounded-body';
import { type KeyParts } from './key-parts';
import { joined, MARK, withoutSpans, type Span } from './spans';

const MOST_CHOICES = 128; // as many as OpenAI makes
/** How much one stream may have the gateway remember: the characters of its names, and 100 for each place. */
const ROOM = 4_000_000;
const COST_OF_PLACE = 100;
const ANY_ELEMENT = -1;

/** Texts that stand between the parts of a longer one, and are no part of it. */
const LABELS: ReadonlySet<string> = new Set(['id', 'type', 'role', 'object', 'finish_reason']);

/** A place of an answer, and the end of the text that came there last: a key may go on with the next text. */
class Place {
  end = '';
  isRedacted = false;
  readonly inner = new Map<string | number, Place>();
}

/** Where a value stands. The first place is the most exact. */
interface Position {
  readonly places: readonly Place[];
  /** All texts of one choice, in their order, whatever their fields. */
  readonly choice: Place;
  readonly isLabel: boolean;
}

/**
 * Redacts the texts of an answer, or of one chunk after the other. A key may be spread over several texts. So each text is
 * looked at together with the end of the one before it in the same place, in the same place of another element of a list,
 * and in the same choice. Nothing is held back: seven characters of a key are out before the eighth shows what they are.
 */
export class RedactedTexts {
  readonly #outside = new Place();
  readonly #choices = new Map<number, Place>();
  readonly #roots: readonly Place[];
  #room: number;

  constructor(
    private readonly parts: KeyParts,
    { isStream }: { readonly isStream: boolean },
  ) {
    // in a whole answer, each exact place has one text
    this.#roots = isStream ? [new Place(), new Place()] : [new Place()];
    this.#room = isStream ? ROOM : Infinity;
  }

  /** Returns a redacted copy. Throws for more choices than 128, and for a stream with too many places. */
  next(chunk: object): object {
    const position = { places: this.#roots, choice: this.#outside, isLabel: false };
    return this.object(chunk, position, (name, inner) =>
      name === 'choices' && Array.isArray(inner) ? this.choices(inner, position) : undefined,
    );
  }

  private choices(choices: readonly unknown[], position: Position): unknown[] {
    const outer = this.inside(position, 'choices');
    return choices.map((each, at) => {
      const index = indexOf(each) ?? at;
      return this.value(each, { ...this.element(outer, index), choice: this.choice(index) });
    });
  }

  private value(value: unknown, position: Position): unknown {
    if (typeof value === 'string') return this.text(value, position);
    if (typeof value !== 'object' || value === null) return value;
    if (!Array.isArray(value)) return this.object(value, position);
    return value.map((each: unknown, at) =>
      this.value(each, this.element(position, indexOf(each) ?? at)),
    );
  }

  private object(
    value: object,
    position: Position,
    special: (name: string, inner: unknown) => unknown = () => undefined,
  ): object {
    const entries = Object.entries(value).map(([name, inner]: [string, unknown]) => [
      withoutSpans(name, this.parts.in(name)),
      special(name, inner) ?? this.value(inner, this.inside(position, name)),
    ]);
    return Object.fromEntries(entries) as object;
  }

  private text(text: string, { places, choice, isLabel }: Position): string {
    if (text === '') return text;
    const befores = isLabel ? places : [...places, choice];
    const begun = befores.map((before) => this.begunIn(before, text));
    const found = this.parts.in(text);
    const spans = begun.every(({ length }) => length === 0)
      ? found
      : joined([...found, ...begun.flat()]);
    const isMarked = places[0]?.isRedacted === true && begun[0]?.length === 1;
    const isRedacted = spans.at(-1)?.[1] === text.length;
    for (const before of befores) {
      before.end = endOf(before.end, text, this.parts.length - 1);
      before.isRedacted = isRedacted;
    }
    const redacted = withoutSpans(text, spans);
    return isMarked ? redacted.slice(MARK.length) : redacted; // one mark for one key
  }

  /** Returns what belongs to a key that began in an earlier text: none, or one span at the beginning. */
  private begunIn({ end: before }: Place, text: string): Span[] {
    if (before === '') return [];
    const [, end = 0] = this.parts.in(before + text.slice(0, this.parts.length - 1)).at(-1) ?? [];
    return end > before.length ? [[0, end - before.length]] : [];
  }

  private inside({ places, choice }: Position, name: string): Position {
    const inner = places.map((place) => this.placeIn(place, name));
    return { places: inner, choice, isLabel: LABELS.has(name) };
  }

  private element({ places, ...position }: Position, index: number): Position {
    const isAny = (at: number): boolean => at === places.length - 1;
    const inner = places.map((place, at) => this.placeIn(place, isAny(at) ? ANY_ELEMENT : index));
    return { ...position, places: inner };
  }

  private placeIn(place: Place, name: string | number): Place {
    const known = place.inner.get(name);
    if (known !== undefined) return known;
    this.#room -= COST_OF_PLACE + String(name).length;
    if (this.#room < 0) throw tooMuch();
    const made = new Place();
    place.inner.set(name, made);
    return made;
  }

  private choice(index: number): Place {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    if (this.#choices.size >= MOST_CHOICES) throw tooMuch();
    const made = new Place();
    this.#choices.set(index, made);
    return made;
  }
}

/** Returns the number that a chunk gives its element of a list, as it counts choices and calls of tools. */
function indexOf(element: unknown): number | undefined {
  const { index } = Object(element) as { index?: unknown };
  return typeof index === 'number' ? index : undefined;
}

function endOf(before: string, text: string, length: number): string {
  return (text.length < length ? before + text : text).slice(-length);
}
