import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { FakeGoogleLogins, unauthenticated, type LoginAnswer } from './fake-google-logins';
import { FakeGoogleStore, failure, withNumericStates } from './fake-google-store';

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** The ways in which the store fails. Answers repeat what the request held. */
export type GoogleFault =
  | 'down'
  | 'unavailable'
  | 'denied'
  | 'unauthenticated'
  | 'throttled'
  | 'hanging'
  | 'slow'
  | 'malformed'
  | 'HTML'
  | 'HTML 404'
  | 'HTML 403'
  | 'redirect'
  | 'disabled API'
  | LoginAnswer;

const SLOW_MS = 300;

/**
 * A fake of Google Secret Manager over REST, with its logins: the metadata server, the token endpoints, and
 * self-signed tokens.
 */
export class FakeGoogleSecretManager {
  readonly store = new FakeGoogleStore();
  readonly logins = new FakeGoogleLogins();
  readonly requests: RecordedRequest[] = [];
  fault: GoogleFault | undefined;
  /** The header of a throttled answer, in seconds. */
  retryAfter = '7';
  /** The requests that the fault is about. */
  faultAt: (request: RecordedRequest) => boolean = () => true;
  readonly #server: Server = createServer(
    (request, response) => void this.serve(request, response),
  );

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

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The requests to the store so far, such as `GET /v1/projects/p/secrets/A`. */
  get asked(): string[] {
    return this.requests
      .filter(({ path }) => path.startsWith('/v1/projects/') && !path.includes('serviceAccounts'))
      .map(({ method, path }) => `${method} ${path}`);
  }

  /** The requests of logins so far. */
  get loggedIn(): string[] {
    return this.requests
      .map(({ method, path }) => `${method} ${path}`)
      .filter((asked) => !this.asked.includes(asked));
  }

  fail(
    fault: GoogleFault | undefined,
    at: (request: RecordedRequest) => boolean = () => true,
  ): void {
    this.fault = fault;
    this.faultAt = at;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { method = '', url: path = '', headers } = request;
    const asked = { method, path, headers, text };
    this.requests.push(asked);
    const url = new URL(path, this.address);
    const login = this.logins.answer(method, url.pathname, headers, text);
    if (login !== undefined) return reply(response, login);
    if (this.fault !== undefined && this.faultAt(asked)) {
      const isServed = this.fault === 'slow';
      await this.break(this.fault, asked, response);
      if (!isServed) return;
    }
    if (!this.logins.accepts(headers.authorization)) return reply(response, unauthenticated());
    const { status, body } = this.store.answer({
      method,
      resource: decodeURIComponent(url.pathname).replace(/^\/v1\//, ''),
      query: url.searchParams,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    });
    const isNumeric = (url.searchParams.get('$alt') ?? '').includes('enum-encoding=int');
    reply(response, { status, body: isNumeric ? withNumericStates(body) : body });
  }

  private async break(
    fault: GoogleFault,
    { path, headers, text }: RecordedRequest,
    response: ServerResponse,
  ): Promise<void> {
    const everything = JSON.stringify({ path, headers, text });
    if (typeof fault === 'object') return reply(response, fault);
    switch (fault) {
      case 'down':
        return void response.socket?.resetAndDestroy();
      case 'hanging':
        return;
      case 'slow':
        return await new Promise((resolve) => void setTimeout(resolve, SLOW_MS));
      case 'redirect':
        return reply(response, {
          status: 302,
          headers: { location: '/elsewhere' },
          body: everything,
        });
      case 'HTML':
      case 'HTML 403':
      case 'HTML 404':
        return reply(response, {
          status: Number(fault.slice(5)) || 502,
          headers: { 'content-type': 'text/html' },
          body: `<html><body>${everything}</body></html>`,
        });
      case 'malformed':
        return reply(response, { status: 200, body: everything.slice(0, -1) });
      case 'throttled':
        return reply(response, {
          ...failure(429, 'RESOURCE_EXHAUSTED', everything),
          headers: { 'retry-after': this.retryAfter },
        });
      case 'unavailable':
        return reply(response, failure(503, 'UNAVAILABLE', everything));
      case 'denied':
        return reply(response, failure(403, 'PERMISSION_DENIED', everything));
      case 'disabled API':
        return reply(response, failure(403, 'PERMISSION_DENIED', everything, 'SERVICE_DISABLED'));
      case 'unauthenticated':
        return reply(response, unauthenticated());
    }
  }
}

function reply(response: ServerResponse, { status, headers, body }: LoginAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
