import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProviderRequest {
  readonly path: string;
  readonly key: string;
  readonly content: Readonly<Record<string, unknown>>;
}

type Reply = (response: ServerResponse) => void;

/** A fake of OpenAI (`/v1/chat/completions`) and Anthropic (`/v1/messages`). It accepts only its current key. */
export class FakeProvider {
  readonly requests: ProviderRequest[] = [];
  /** The status for any key but the current one. */
  refusal = 401;
  readonly #server: Server = createServer(
    (request, response) => void this.answer(request, response),
  );
  readonly #replies: Reply[] = [];

  constructor(public key: string) {}

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Sets the answer to the next request, whatever it is. */
  reply(status: number, content: string, headers: Record<string, string> = {}): void {
    this.#replies.push((response) => response.writeHead(status, headers).end(content));
  }

  /** Leaves the next request without an answer, or with only its beginning. Resolves when the caller has left. */
  async hang(beginning?: string): Promise<void> {
    const left = new Promise<void>((resolve) => {
      this.#replies.push((response) => {
        response.once('close', () => resolve());
        if (beginning !== undefined) response.writeHead(200).write(beginning);
      });
    });
    await left;
  }

  /** Ends the connection of the next request after the beginning of an answer. */
  breakOff(beginning: string): void {
    this.#replies.push((response) => {
      response.writeHead(200, { 'content-length': '1000000' });
      response.write(beginning, () => response.destroy());
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const content = JSON.parse(text) as ProviderRequest['content'];
    const { authorization = '', 'x-api-key': apiKey } = request.headers;
    const key = String(apiKey ?? authorization.replace('Bearer ', ''));
    this.requests.push({ path: String(request.url), key, content });
    const reply = this.#replies.shift();
    if (reply !== undefined) return reply(response);
    if (key !== this.key) return refuse(response, key, this.refusal);
    const answers = apiKey === undefined ? OPENAI : ANTHROPIC;
    if (!content.stream) return void response.end(JSON.stringify(answers.whole));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(answers.events);
  }
}

/** Refuses a key, and quotes it like OpenAI. */
function refuse(response: ServerResponse, key: string, status: number): void {
  const error = { message: `Incorrect API key provided: ${key}.`, code: 'invalid_api_key' };
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error }));
}

function eventsOf(...contents: readonly object[]): string {
  return contents.map((content) => `data: ${JSON.stringify(content)}\n\n`).join('');
}

const HEAD = { id: 'chatcmpl-1', created: 1, model: 'gpt-of-the-fake' };

function chunk(delta: object, finish_reason: string | null = null): object {
  return {
    ...HEAD,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason }],
  };
}

export const OPENAI_BEGINNING = eventsOf(chunk({ role: 'assistant', content: 'Good ' }));

const OPENAI = {
  whole: {
    ...HEAD,
    object: 'chat.completion',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Good day' }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  },
  events: `${OPENAI_BEGINNING}: a comment\n\n${eventsOf(chunk({ content: 'day' }), chunk({}, 'stop'))}data: [DONE]\n\n`,
};

const MESSAGE = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-of-the-fake' };
const ANTHROPIC_EVENTS = [
  {
    type: 'message_start',
    message: { ...MESSAGE, content: [], usage: { input_tokens: 5, output_tokens: 1 } },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Good ' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'day' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 2 } },
  { type: 'message_stop' },
] as const;

const ANTHROPIC = {
  whole: {
    ...MESSAGE,
    content: [
      { type: 'text', text: 'Good ' },
      { type: 'text', text: 'day' },
    ],
    stop_reason: 'end_turn',
    usage: { input_tokens: 5, output_tokens: 2 },
  },
  events: ANTHROPIC_EVENTS.map(
    (event) => `event: ${event.type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`,
  ).join(''),
};
