import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly content: unknown;
  /** The body as text. */
  readonly text: string;
}

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** The body. A string is sent unchanged, anything else as JSON. */
  readonly body?: unknown;
}

type Route = FakeAnswer | ((request: FakeRequest) => FakeAnswer | Promise<FakeAnswer> | undefined);

/** A fake of HashiCorp Vault and OpenBao. Unset routes answer 404 without errors. Records every request. */
export class FakeVault {
  readonly requests: FakeRequest[] = [];
  readonly #routes = new Map<string, Route>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const { method = '', url: path = '', headers } = request;
      const asked = {
        method,
        path,
        headers,
        content: text ? (JSON.parse(text) as unknown) : undefined,
        text,
      };
      this.requests.push(asked);
      void this.answer(asked, response);
    });
  });
  #port = 0;

  async start(): Promise<this> {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  get address(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The number of open connections. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Sets the answer of a route: `on('GET /v1/secret/data/A', ...)`. A route that answers `undefined` hangs. */
  on(route: string, answer: Route): this {
    this.#routes.set(route, answer);
    return this;
  }

  /** Stores a secret in a KV 2 mount. */
  keep(name: string, fields: object, mount = 'secret'): this {
    const data = { data: fields, metadata: { version: 1 } };
    return this.on(`GET /v1/${mount}/data/${name}`, { body: { data } });
  }

  /** The requests so far, as `GET /v1/secret/data/A`. */
  get asked(): string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  private async answer(request: FakeRequest, response: ServerResponse): Promise<void> {
    const route = this.#routes.get(`${request.method} ${request.path}`) ?? NOTHING;
    const answer = typeof route === 'function' ? await route(request) : route;
    if (answer === undefined) return;
    const { status = 200, headers = {}, body } = answer;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : body && JSON.stringify(body));
  }
}

const NOTHING: FakeAnswer = { status: 404, body: { errors: [] } };
