import { type Span } from './spans';

/** The text that replaces the middle of a key: `****`, `...`, `••••`, `xxxx`, `[...]`, `<hidden>`. */
const GAP = /(?:[^\p{L}\p{N}\s]{2,}|[…•●·█*]|([x0])\1{2,}|[[({<][^\])}>]{0,40}[\])}>])+/giu;
const FEWEST_AT_GAP = 4;
const FEWEST_ALONE = 6;
const LONGEST_END = 24;

/** Finds the ends of a key in the text of an error: four characters beside a gap, or six at the border of a word. */
export function shownEndsIn(text: string, key: string): Span[] {
  const gaps = [...text.matchAll(GAP)].flatMap(({ 0: gap, index }) =>
    spanAround(text, key, [index, index + gap.length]),
  );
  return [...gaps, ...beginningsIn(text, key), ...endingsIn(text, key)];
}

/** Returns the ends of a key around a gap. They may reach into the gap, whose characters may belong to the key. */
function spanAround(text: string, key: string, [start, end]: Span): Span[] {
  const [before, after] = [text.slice(0, start).trimEnd().length, end + spacesAt(text, end)];
  const places = Array.from({ length: end - start + 1 }, (_, at) => start + at);
  const heads = [before, ...places].map((at): Span => [at - beginningBefore(text, at, key), at]);
  const tails = [after, ...places].map((at): Span => [at, at + endingAt(text, at, key)]);
  const [headStart, headEnd] = longest(heads);
  const [tailStart, tailEnd] = longest(tails);
  if (headEnd - headStart + tailEnd - tailStart < FEWEST_AT_GAP) return [];
  const from = headEnd > headStart ? Math.min(headStart, start) : start;
  return [[from, tailEnd > tailStart ? Math.max(tailEnd, end) : end]];
}

function beginningsIn(text: string, key: string): Span[] {
  return startsOf(key.slice(0, FEWEST_ALONE), text)
    .filter((at) => !isWordAt(text, at - 1))
    .map((at) => [at, at + longestEnd(key, (length) => text.startsWith(key.slice(0, length), at))]);
}

function endingsIn(text: string, key: string): Span[] {
  return startsOf(key.slice(-FEWEST_ALONE), text)
    .map((at) => at + Math.min(FEWEST_ALONE, key.length))
    .filter((end) => !isWordAt(text, end))
    .map((end) => [end - longestEnd(key, (length) => text.endsWith(key.slice(-length), end)), end]);
}

function startsOf(part: string, text: string): number[] {
  const starts: number[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) starts.push(at);
  return starts;
}

function beginningBefore(text: string, at: number, key: string): number {
  return longestEnd(key, (length) => text.endsWith(key.slice(0, length), at));
}

function endingAt(text: string, at: number, key: string): number {
  return longestEnd(key, (length) => text.startsWith(key.slice(-length), at));
}

function longestEnd(key: string, matches: (length: number) => boolean): number {
  let length = Math.min(LONGEST_END, key.length);
  while (length > 0 && !matches(length)) length--;
  return length;
}

function longest(spans: readonly Span[]): Span {
  return spans.reduce((one, other) => (other[1] - other[0] > one[1] - one[0] ? other : one));
}

function spacesAt(text: string, at: number): number {
  return text.length - at - text.slice(at).trimStart().length;
}

function isWordAt(text: string, at: number): boolean {
  return /[\p{L}\p{N}]/u.test(text.charAt(at));
}
