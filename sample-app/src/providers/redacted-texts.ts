import { answerTooLarge } from './bounded-body';
import { type KeyParts } from './key-parts';
import { joined, MARK, withoutSpans, type Span } from './spans';

const MOST_CHOICES = 128; // as many as OpenAI makes
/** The memory of one stream: the characters of its names, and 100 for each place. */
const BUDGET = 4_000_000;
const COST_OF_PLACE = 100;
const ANY_ELEMENT = -1;

/** The fields whose short texts lie between the parts of a longer text, but do not belong to it. */
const LABELS: ReadonlySet<string> = new Set(['id', 'type', 'role', 'object', 'finish_reason']);

/** A place in an answer, with the end of its last text. A key may continue in the next text. */
class Place {
  end = '';
  isRedacted = false;
  readonly inner = new Map<string | number, Place>();
}

/** The position of a value. The first place is the most exact one. */
interface Position {
  readonly places: readonly Place[];
  /** The place of all texts of one choice, in their order, across all fields. */
  readonly choice: Place;
  readonly isLabel: boolean;
}

/**
 * Redacts the texts of an answer, or of successive chunks. A key may be spread over several texts. So each text is searched
 * together with the end of the text before it: in the same place, in the same place of another list element, and in the same
 * choice. No text is held back, so seven characters of a key may pass before the eighth reveals them.
 */
export class RedactedTexts {
  readonly #outside = new Place();
  readonly #choices = new Map<number, Place>();
  readonly #roots: readonly Place[];
  #budget: number;

  constructor(
    private readonly parts: KeyParts,
    { isStream }: { readonly isStream: boolean },
  ) {
    // in a whole answer, each exact place has one text
    this.#roots = isStream ? [new Place(), new Place()] : [new Place()];
    this.#budget = isStream ? BUDGET : Infinity;
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
      withoutSpans(name, this.parts.find(name)),
      special(name, inner) ?? this.value(inner, this.inside(position, name)),
    ]);
    return Object.fromEntries(entries) as object;
  }

  private text(text: string, { places, choice, isLabel }: Position): string {
    if (text === '') return text;
    const befores = isLabel ? places : [...places, choice];
    const begun = befores.map((before) => this.begunIn(before, text));
    const found = this.parts.find(text);
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

  /** Returns the span at the beginning that continues a key of the earlier text, or none. */
  private begunIn({ end: before }: Place, text: string): Span[] {
    if (before === '') return [];
    const [, end = 0] = this.parts.find(before + text.slice(0, this.parts.length - 1)).at(-1) ?? [];
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
    this.#budget -= COST_OF_PLACE + String(name).length;
    if (this.#budget < 0) throw answerTooLarge();
    const made = new Place();
    place.inner.set(name, made);
    return made;
  }

  private choice(index: number): Place {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    if (this.#choices.size >= MOST_CHOICES) throw answerTooLarge();
    const made = new Place();
    this.#choices.set(index, made);
    return made;
  }
}

/** Returns the `index` of a list element. Chunks number choices and tool calls in this way. */
function indexOf(element: unknown): number | undefined {
  const { index } = Object(element) as { index?: unknown };
  return typeof index === 'number' ? index : undefined;
}

function endOf(before: string, text: string, length: number): string {
  return (text.length < length ? before + text : text).slice(-length);
}
