import {
  JsonNumber,
  exactJson,
  isExactNumber,
  parseExactJson,
} from '../../core/validation/exact-json';

/** Stands for a JSON number that a program cannot read without changing it. */
export const INEXACT = Symbol('inexact number');

/**
 * Returns the secrets of one JSON object: a string unchanged, and every other value as its JSON text. `null`
 * counts as missing. A byte order mark before the object is dropped.
 *
 * Returns `undefined` if the text is not a JSON object, because the parser's own error would quote it.
 */
export function parseBundle(
  source: string,
): ReadonlyMap<string, string | typeof INEXACT> | undefined {
  const properties = propertiesOf(source.replace(/^\ufeff/, ''));
  return properties && new Map(properties.map(([name, value]) => [name, secretOf(value)]));
}

function propertiesOf(text: string): [name: string, value: unknown][] | undefined {
  try {
    const parsed = parseExactJson(text);
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    if (!isObject || parsed instanceof JsonNumber) return undefined;
    return Object.entries(parsed).filter(([, value]) => value !== null);
  } catch {
    return undefined;
  }
}

function secretOf(value: unknown): string | typeof INEXACT {
  if (typeof value === 'string') return value;
  const source = value instanceof JsonNumber ? value.source : exactJson(value);
  return value instanceof JsonNumber && !isExactNumber(source) ? INEXACT : source;
}
