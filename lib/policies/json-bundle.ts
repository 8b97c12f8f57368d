/** A number that JSON holds, and that a program which reads it would change. */
export const INEXACT = Symbol('inexact number');

/**
 * The secrets that one JSON object holds: a string as it is, everything else as its JSON text. `null` is absent. A byte order
 * mark before the object is dropped. Returns `undefined` if the text is not a JSON object; the parser's own error would
 * quote it.
 */
export function parseBundle(
  source: string,
): ReadonlyMap<string, string | typeof INEXACT> | undefined {
  const text = source.replace(/^\ufeff/, '');
  if (!isJsonObject(text)) return undefined;
  const secrets = new Map<string, string | typeof INEXACT>();
  for (const [name, json] of properties(text)) {
    if (json === 'null') secrets.delete(name);
    else secrets.set(name, secretOf(json));
  }
  return secrets;
}

function isJsonObject(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
  } catch {
    return false;
  }
}

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Each property's name and the source text of its value, which `JSON.parse` does not keep. The text is valid JSON. */
function* properties(text: string): Generator<[name: string, json: string]> {
  let depth = 0;
  let name: string | undefined;
  let json = '';
  for (const [token] of text.matchAll(TOKEN)) {
    const isEnd = token === '}' || token === ']';
    if (depth === 1 && (token === ',' || isEnd)) {
      if (name !== undefined) yield [name, json];
      name = undefined;
      json = '';
    } else if (depth === 1 && name === undefined) {
      name = JSON.parse(token) as string;
    } else if (depth > 1 || (depth === 1 && token !== ':')) {
      json += token;
    }
    if (token === '{' || token === '[') depth += 1;
    if (isEnd) depth -= 1;
  }
}

function secretOf(json: string): string | typeof INEXACT {
  if (json.startsWith('"')) return JSON.parse(json) as string;
  return /^-?\d/.test(json) && !isExact(json) ? INEXACT : json;
}

function isExact(number: string): boolean {
  return Number.isFinite(Number(number)) && decimal(number) === decimal(String(Number(number)));
}

/** One spelling for all that mean the same number: its digits and the power of ten. */
function decimal(number: string): string {
  const [mantissa = '', power = '0'] = number.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const exponent = Number(power) - fraction.length + digits.length - significant.length;
  return `${mantissa.startsWith('-') ? '-' : ''}${significant}e${exponent}`;
}
