const [QUOTE, BACKSLASH, LIST, OBJECT, END_OF_LIST, END_OF_OBJECT] = [
  ...Buffer.from('"\\[{]}'),
] as readonly (number | undefined)[];

/** Returns whether JSON is nested deeper than `max`. Reads each character once, and can run before the parser. */
export function isDeeperThan(max: number, json: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < json.length; at++) {
    const character = json.charCodeAt(at);
    if (character === QUOTE) isInString = !isInString;
    else if (isInString) at += character === BACKSLASH ? 1 : 0;
    else if (character === LIST || character === OBJECT) depth += 1;
    else if (character === END_OF_LIST || character === END_OF_OBJECT) depth -= 1;
    if (depth > max) return true;
  }
  return false;
}
