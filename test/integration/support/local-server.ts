import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  /** The method and the path, as in `GET /v1/sys/health`. */
  readonly line: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The content. An object is sent as JSON. */
  readonly content?: object | string;
}

/** An answer, or a function that handles the connection. */
export type Reply = Answer | ((response: ServerResponse) => void);

/** Returns the answer. With `undefined`, the server never answers. */
export type Responder = (received: Received) => Reply | undefined | Promise<Reply | undefined>;

/** A server on loopback that records its requests, and answers as the test says. */
export class LocalServer {
  readonly received: Received[] = [];
  readonly #server = createServer((request, response) => void this.respond(request, response));

  constructor(private readonly responder: Responder) {}

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Returns the number of requests whose method and path match. */
  count(line: RegExp): number {
    return this.received.filter((received) => line.test(received.line)).length;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await receive(request);
    this.received.push(received);
    const reply = await this.responder(received);
    if (reply === undefined) return;
    if (typeof reply === 'function') return reply(response);
    const { status, headers, content = '' } = reply;
    response.writeHead(status, headers);
    response.end(typeof content === 'string' ? content : JSON.stringify(content));
  }
}

async function receive(request: IncomingMessage): Promise<Received> {
  const { method = '', url: path = '', headers } = request;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    line: `${method} ${path}`,
    method,
    path,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, text]) => [name, String(text)]),
    ),
    body: Buffer.concat(chunks).toString(),
  };
}
