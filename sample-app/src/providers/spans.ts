/** The positions of characters to remove, the end excluded. */
export type Span = readonly [start: number, end: number];

/** The text that replaces a key. */
export const MARK = '[redacted]';

/** Returns the spans in their order. Joins spans that touch. */
export function joined(spans: readonly Span[]): Span[] {
  const result: [number, number][] = [];
  for (const [start, end] of [...spans].sort(([one], [other]) => one - other)) {
    const last = result.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else result.push([start, end]);
  }
  return result;
}

/** Returns the text with one mark for each span. The spans must be in their order, and must not touch. */
export function withoutSpans(text: string, spans: readonly Span[]): string {
  if (spans.length === 0) return text;
  let result = '';
  let at = 0;
  for (const [start, end] of spans) {
    result += text.slice(at, start) + MARK;
    at = end;
  }
  return result + text.slice(at);
}
