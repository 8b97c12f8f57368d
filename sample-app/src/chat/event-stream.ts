import { createParser, type ParseError } from 'eventsource-parser';
import { MAX_EVENT_CHARACTERS, answerTooLarge } from '../providers/bounded-body';

/** The headers of server-sent events, as OpenAI sends them. */
export const EVENT_STREAM = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };

export function toEvent(data: object | '[DONE]'): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/** Yields the `data` of each event of a body. Throws if one event has more than 4 Mi characters. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let events: string[] = [];
  const parser = createParser({
    maxBufferSize: MAX_EVENT_CHARACTERS,
    onEvent: ({ data }) => events.push(data),
    onError: throwIfTooLarge,
  });
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    parser.feed(decoder.decode(bytes, { stream: true }));
    yield* events;
    events = [];
  }
  parser.feed('\n\n'); // a server may leave out the empty line after its last event
  yield* events;
}

/** Throws only at the limit. The parser ignores unknown lines, and its error would quote them. */
function throwIfTooLarge({ type }: ParseError): void {
  if (type === 'max-buffer-size-exceeded') throw answerTooLarge();
}
