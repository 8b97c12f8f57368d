/** The positions of characters to remove, the end excluded. */
export type Span = readonly [start: number, end: number];

const MASK = /\*{2,}|…|\.{3,}/g;
const LONGEST_END = 24;
const FEWEST_SHOWN = 4;

/** Returns the key unchanged, percent-encoded, and in Base64 at each of its three possible offsets in a text. */
export function encodingsOf(key: string): string[] {
  const bytes = Buffer.from(key);
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // a character at either end also holds bits of what stands beside the key
    return text.slice(Math.ceil((offset * 4) / 3), Math.floor(((offset + bytes.length) * 4) / 3));
  });
  const urlSafe = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [key, encodeURIComponent(key), ...base64, ...urlSafe];
}

/** Finds a key that is shortened to its ends, as `sk-abcd****wxyz` or `sk-...wxyz`. */
export function shortenedIn(text: string, key: string): Span[] {
  return [...text.matchAll(MASK)].flatMap(({ 0: mask, index }): Span[] => {
    const end = index + mask.length;
    const head = longestEnd(key, (length) => text.endsWith(key.slice(0, length), index));
    const tail = longestEnd(key, (length) => text.startsWith(key.slice(-length), end));
    return head + tail < FEWEST_SHOWN ? [] : [[index - head, end + tail]];
  });
}

function longestEnd(key: string, isThere: (length: number) => boolean): number {
  let length = Math.min(LONGEST_END, key.length);
  while (length > 0 && !isThere(length)) length--;
  return length;
}
