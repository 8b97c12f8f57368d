/** Server-sent events, as OpenAI sends them. */
export const EVENT_STREAM = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };

export function toEvent(data: object | '[DONE]'): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** The `data` of each event of a body. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of body) {
    const events = (text + decoder.decode(bytes, { stream: true })).split(/\r?\n\r?\n/);
    text = events.pop() ?? '';
    yield* events.flatMap(dataOf);
  }
  yield* dataOf(text);
}

/** A comment, which keeps a connection open, has none. */
function dataOf(event: string): string[] {
  const lines = event.split(/\r?\n/).filter((line) => line.startsWith('data:'));
  return lines.length === 0
    ? []
    : [lines.map((line) => line.slice(5).replace(/^ /, '')).join('\n')];
}
