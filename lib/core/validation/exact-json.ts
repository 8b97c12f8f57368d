/**
 * A number whose source text a JavaScript number would not reproduce: `1.10`, `1e3`, `12345678901234567890`.
 */
export class JsonNumber {
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  get source(): string {
    return this.#source;
  }
}

/**
 * Finds every number that `JSON.parse` may change. The expression also matches inside strings, which only costs
 * time.
 */
const MAY_CHANGE = /(?:"\s*:|[[,]|^)\s*(?:-?\d{16}|-?\d+[.eE]|-0)/;

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** The deepest nesting of JSON. The reader is recursive, and the stack ends at some thousands. */
const MAX_DEPTH = 1_000;

/**
 * Parses JSON as `JSON.parse` does, with a {@link JsonNumber} for each number that it would change. Throws a
 * `SyntaxError`, which may quote the text, for invalid JSON or more than 1 000 levels.
 */
export function parseExactJson(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  if (isTooDeep(text)) throw new SyntaxError('The JSON is nested too deep.');
  return MAY_CHANGE.test(text) ? new ExactReader(text).value() : parsed;
}

/** Writes JSON as `JSON.stringify` does, with the source text of each {@link JsonNumber}. */
export function exactJson(value: unknown): string {
  if (value instanceof JsonNumber) return value.source;
  if (Array.isArray(value)) return `[${value.map(exactJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const properties = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([name, item]) => `${JSON.stringify(name)}:${exactJson(item)}`);
  return `{${properties.join(',')}}`;
}

/** Returns whether a JavaScript number holds the number of the text, regardless of its spelling. */
export function isExactNumber(source: string): boolean {
  return Number.isFinite(Number(source)) && decimal(source) === decimal(String(Number(source)));
}

/** Returns the digits of a number, without the zeros at both ends. */
export function significantDigits(source: string): string {
  const digits = mantissaOf(source).replace('.', '').replace(/^0+/, '');
  return digits.slice(0, endOfDigits(digits));
}

/**
 * Returns the index at which the trailing zeros begin. The expression `/0+$/` takes quadratic time on zeros
 * elsewhere.
 */
function endOfDigits(digits: string): number {
  let end = digits.length;
  while (digits[end - 1] === '0') end -= 1;
  return end;
}

/** Returns whether valid JSON is nested too deep. */
function isTooDeep(text: string): boolean {
  if (text.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') isInString = !isInString;
    else if (isInString) at += character === '\\' ? 1 : 0;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

/** Reads valid JSON with the source text of its numbers. */
class ExactReader {
  readonly #tokens: Iterator<RegExpMatchArray>;

  constructor(text: string) {
    this.#tokens = text.matchAll(TOKEN);
  }

  value(token = this.next()): unknown {
    if (token === '{') return this.object();
    if (token === '[') return this.array();
    return /^[-\d]/.test(token) ? numberOf(token) : JSON.parse(token);
  }

  private object(): object {
    const properties: [string, unknown][] = [];
    for (let token = this.next(); token !== '}'; token = this.next()) {
      if (token === ',') continue;
      this.next(); // the colon
      properties.push([JSON.parse(token) as string, this.value()]);
    }
    return Object.fromEntries(properties);
  }

  private array(): unknown[] {
    const items: unknown[] = [];
    for (let token = this.next(); token !== ']'; token = this.next()) {
      if (token !== ',') items.push(this.value(token));
    }
    return items;
  }

  private next(): string {
    const { value } = this.#tokens.next() as IteratorYieldResult<RegExpMatchArray>;
    return value[0];
  }
}

function numberOf(source: string): number | JsonNumber {
  return JSON.stringify(Number(source)) === source ? Number(source) : new JsonNumber(source);
}

/** Returns one spelling for all texts of the same number: its digits and the power of ten. */
function decimal(source: string): string {
  const [, power = '0'] = source.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissaOf(source).split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = significantDigits(source);
  if (significant === '') return '0';
  const exponent = Number(power) - fraction.length + digits.length - significant.length;
  return `${source.startsWith('-') ? '-' : ''}${significant}e${exponent}`;
}

function mantissaOf(source: string): string {
  const [mantissa = ''] = source.toLowerCase().split('e');
  return mantissa.replace('-', '');
}
