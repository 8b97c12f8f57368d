import { MAX_EVENT_CHARACTERS, tooMuch } from '../providers/bounded-body';

/** Server-sent events, as OpenAI sends them. */
export const EVENT_STREAM = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };

export function toEvent(data: object | '[DONE]'): string {
  return `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
}

/**
 * Yields the `data` of each event of a body. A comment, which keeps a connection open, has none. Looks at each character once,
 * and throws if an event is longer than 4 Mi characters.
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let event = new UnfinishedEvent();
  let rest = ''; // of a line
  for await (const bytes of body) {
    const [first = '', ...others] = decoder.decode(bytes, { stream: true }).split('\n');
    const lines = [rest + first, ...others];
    rest = lines.pop() ?? '';
    for (const line of lines.map(withoutReturn)) {
      if (line !== '') {
        event.add(line);
        continue;
      }
      if (event.hasData) yield event.data;
      event = new UnfinishedEvent();
    }
    event.assertRoomFor(rest);
  }
  if (rest !== '') event.add(withoutReturn(rest));
  if (event.hasData) yield event.data;
}

class UnfinishedEvent {
  readonly #data: string[] = [];
  #size = 0;

  get hasData(): boolean {
    return this.#data.length > 0;
  }

  get data(): string {
    return this.#data.join('\n');
  }

  add(line: string): void {
    this.assertRoomFor(line);
    this.#size += line.length;
    if (line.startsWith('data:')) this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
  }

  assertRoomFor(line: string): void {
    if (this.#size + line.length > MAX_EVENT_CHARACTERS) throw tooMuch();
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
