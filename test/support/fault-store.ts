import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** The faults of a store over HTTP. A number is a status whose body discloses everything that it should not. */
export const FAULTS = [
  '401',
  '403',
  '404',
  '408',
  '412',
  '429 in seconds',
  '429 as a date',
  '500',
  '501',
  '502',
  '503',
  'reset',
  'refused',
  'hang',
  'slow body',
  'truncated body',
  'invalid JSON',
  'plain text',
  'HTML',
  'wrong shape',
  'wrong type',
  'empty',
  '2 MB',
  'redirect',
  'redirect with credentials',
] as const;

export type Fault = (typeof FAULTS)[number];

/**
 * A store over HTTP with `GET /v1/secret/NAME` and `GET /v1/health`. It breaks as the test says, and repeats its
 * requests.
 */
export class FaultStore {
  readonly secrets = new Map<string, string>();
  /** The methods and paths of all requests so far. */
  readonly requests: string[] = [];
  fault: Fault | undefined;
  /** The number of requests that fail before the store recovers. */
  left = Infinity;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((request, response) => this.answer(request, response));
  #port = 0;

  async start(): Promise<this> {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  get host(): string {
    return `127.0.0.1:${this.fault === 'refused' ? 1 : this.#port}`;
  }

  fail(fault: Fault | undefined, times = Infinity): void {
    this.fault = fault;
    this.left = times;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(`${request.method} ${request.url}`);
    const fault = this.left > 0 ? this.fault : undefined;
    this.left -= 1;
    if (fault !== undefined) return this.break(fault, request, response);
    const name = decodeURIComponent(request.url?.replace('/v1/secret/', '') ?? '');
    const value = this.secrets.get(name);
    if (request.url === '/v1/health') return reply(response, 200, '{"ok":true}');
    if (value === undefined) return reply(response, 404, '{"errors":[]}');
    reply(response, 200, JSON.stringify({ value }));
  }

  private break(fault: Fault, request: IncomingMessage, response: ServerResponse): void {
    const everything = JSON.stringify({ sent: request.headers, held: [...this.secrets] });
    const status = Number(fault.slice(0, 3));
    if (status >= 400) return reply(response, status, everything, retryAfter(fault));
    BREAK[fault]?.(response, everything, this);
  }
}

const TWO_MB = 2 * 1024 * 1024;

const BREAK: Readonly<
  Partial<Record<Fault, (response: ServerResponse, everything: string, store: FaultStore) => void>>
> = {
  reset: (response) => response.socket?.resetAndDestroy(),
  hang: () => undefined,
  'slow body': (response, everything) => {
    response.writeHead(200, { 'content-length': everything.length });
    response.write(everything.slice(0, -1)); // the last byte never comes
  },
  'truncated body': (response, everything) => {
    response.writeHead(200, { 'content-length': everything.length + 10 });
    response.write(everything, () => response.destroy());
  },
  'invalid JSON': (response, everything) => reply(response, 200, everything.slice(0, -1)),
  'plain text': (response, _, { secrets }) => reply(response, 200, [...secrets.values()].join()),
  HTML: (response, everything) => reply(response, 200, `<html><body>${everything}</body></html>`),
  'wrong shape': (response, everything) => reply(response, 200, `{"value":${everything}}`),
  'wrong type': (response) => reply(response, 200, '{"value":12345678901}'),
  empty: (response) => reply(response, 200, ''),
  '2 MB': (response, everything) =>
    reply(response, 200, everything.repeat(TWO_MB / everything.length)),
  redirect: (response, everything) => reply(response, 302, everything, { location: '/elsewhere' }),
  'redirect with credentials': (response, everything, { secrets }) =>
    reply(response, 307, everything, {
      location: `http://admin:${[...secrets.values()].join()}@127.0.0.1:1/`,
    }),
};

function retryAfter(fault: Fault): Record<string, string> {
  if (fault === '429 in seconds') return { 'retry-after': '1' };
  if (fault === '429 as a date')
    return { 'retry-after': new Date(Date.now() + 2_000).toUTCString() };
  return {};
}

function reply(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, headers);
  response.end(body);
}
