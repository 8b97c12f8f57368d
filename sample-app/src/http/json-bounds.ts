const [QUOTE, BACKSLASH, COMMA, LIST, OBJECT, END_OF_LIST, END_OF_OBJECT] = [
  ...Buffer.from('"\\,[{]}'),
] as readonly (number | undefined)[];

export interface JsonBounds {
  readonly maxDepth: number;
  /** The largest number of values in lists and fields, at all levels together. Default: no limit. */
  readonly maxValues?: number;
}

/** Returns the bound that a JSON text exceeds. Reads each character once, and can run before the parser. */
export function exceededBound(
  json: string,
  { maxDepth, maxValues = Infinity }: JsonBounds,
): keyof JsonBounds | undefined {
  let depth = 0;
  let values = 0;
  let isInString = false;
  for (let at = 0; at < json.length; at++) {
    const character = json.charCodeAt(at);
    if (character === QUOTE) isInString = !isInString;
    else if (isInString) at += character === BACKSLASH ? 1 : 0;
    else if (character === COMMA) values += 1;
    else if (character === LIST || character === OBJECT) {
      depth += 1;
      values += 1;
    } else if (character === END_OF_LIST || character === END_OF_OBJECT) depth -= 1;
    if (depth > maxDepth) return 'maxDepth';
    if (values > maxValues) return 'maxValues';
  }
  return undefined;
}
