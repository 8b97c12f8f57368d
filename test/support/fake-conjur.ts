import type { Fault } from 'nestjs-custom-secret-manager/testing';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

const ACCOUNT = 'acme';
const LIFETIME_S = 480;
const VERSIONS_KEPT = 20;

export interface ConjurRequest {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/**
 * A fake of CyberArk Conjur. Its answers follow the source of the server: which status has which body, and what one
 * missing or denied variable does to a batch.
 */
export class FakeConjur {
  readonly account = ACCOUNT;
  readonly login = 'host/apps/gateway';
  apiKey = 'canary-api-key-31f0';
  jwt = 'canary.jwt.9e2c';
  readonly requests: ConjurRequest[] = [];
  /** The declared variables with their values, the oldest first. */
  readonly variables = new Map<string, Buffer[]>();
  /** The variables that the login may see but not use. */
  readonly denied = new Set<string>();
  /** The variables that the login may not see. */
  readonly invisible = new Set<string>();
  /** The number of policy loads that answer 409, because another one is in progress. */
  busyLoads = 0;
  /** The claims of the tokens. */
  lifetimeS = LIFETIME_S;
  fault: Fault | undefined;
  retryAfter = '0.01';
  #tokens = new Set<string>();
  #issued = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => void this.handle(request, response));

  async start(port = 0): Promise<this> {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  reset(): void {
    this.variables.clear();
    this.denied.clear();
    this.invisible.clear();
    this.requests.length = 0;
    this.fault = undefined;
  }

  /** Declares a variable, and gives it a value. */
  keep(id: string, value?: string | Buffer): void {
    const values = this.variables.get(id) ?? [];
    if (value !== undefined) values.push(Buffer.from(value));
    this.variables.set(id, values.slice(-VERSIONS_KEPT));
  }

  /** Ends every token. */
  expireTokens(): void {
    this.#tokens.clear();
  }

  /** Returns an access token as the sidecar writes it. */
  issue(): string {
    const now = Math.floor(Date.now() / 1_000);
    const claims = { sub: this.login, iat: now, exp: now + this.lifetimeS };
    const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64');
    const token = JSON.stringify({
      protected: part({ alg: 'conjur.org/slosilo/v2', kid: 'canary-kid' }),
      payload: part(claims),
      signature: `canary-signature-${++this.#issued}`,
    });
    this.#tokens.add(Buffer.from(token).toString('base64'));
    return token;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat((await request.toArray()) as Buffer[]);
    const { method = '', url = '', headers } = request;
    const { authorization } = headers;
    this.requests.push({ method, url, authorization, body: body.toString() });
    if (this.strike(response)) return;
    const { pathname, searchParams } = new URL(url, 'http://conjur');
    const parts = pathname.split('/').slice(1).map(decodeURIComponent);
    if (parts[0]?.startsWith('authn'))
      return this.authenticate(parts, body.toString(), request, response);
    const [, token = ''] = /^Token token="(.*)"$/.exec(authorization ?? '') ?? [];
    if (!this.#tokens.has(token)) {
      return void response.writeHead(401, TEXT).end('Unauthorized: Invalid token');
    }
    if (pathname === '/whoami')
      return send(response, 200, { account: ACCOUNT, username: this.login });
    if (parts[0] === 'policies') return this.load(parts[3] ?? '', body.toString(), response);
    if (parts[0] === 'secrets' && searchParams.has('variable_ids')) {
      return this.batch(url, headers['accept-encoding'] === 'base64', response);
    }
    if (
      parts[0] === 'secrets' &&
      parts[1] === ACCOUNT &&
      parts[2] === 'variable' &&
      parts.length === 4
    ) {
      return this.variable(method, parts[3] ?? '', searchParams.get('version'), body, response);
    }
    response
      .writeHead(404, { 'content-type': 'text/html' })
      .end('<html>The page does not exist.</html>');
  }

  /** Answers with the fault. Returns `false` if there is none. */
  private strike(response: ServerResponse): boolean {
    switch (this.fault) {
      case undefined:
        return false;
      case 'hanging':
        return true;
      case 'unavailable':
        response.socket?.destroy();
        return true;
      case 'denied':
        response.writeHead(403).end();
        return true;
      case 'unauthenticated':
        response.writeHead(401).end();
        return true;
      case 'throttled':
        response.writeHead(429, { 'retry-after': this.retryAfter }).end('canary-body-1a');
        return true;
      case 'malformed':
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>canary-body-1a</html>');
        return true;
    }
  }

  private authenticate(
    parts: readonly string[],
    body: string,
    { headers }: IncomingMessage,
    response: ServerResponse,
  ): void {
    const isJwt = parts[0] === 'authn-jwt';
    const isKnown = isJwt
      ? new URLSearchParams(body).get('jwt') === this.jwt &&
        parts[1] === 'kubernetes' &&
        parts[2] === ACCOUNT
      : parts[1] === ACCOUNT && parts[2] === this.login && body === this.apiKey;
    if (!isKnown) return void response.writeHead(401).end();
    const token = this.issue();
    if (headers['accept-encoding'] !== 'base64') return void response.writeHead(200).end(token);
    const encoded = Buffer.from(token).toString('base64');
    response.writeHead(200, { 'content-encoding': 'base64' }).end(encoded);
  }

  private variable(
    method: string,
    id: string,
    version: string | null,
    body: Buffer,
    response: ServerResponse,
  ): void {
    const values = this.invisible.has(id) ? undefined : this.variables.get(id);
    if (values === undefined) return notFound(response, id);
    if (this.denied.has(id)) return void response.writeHead(403).end();
    if (method === 'POST') {
      if (body.toString().trim() === '')
        return send(response, 422, failure('validation_failed', 'secret value is blank'));
      if (values.at(-1)?.equals(body) !== true) this.keep(id, body);
      return void response.writeHead(201).end();
    }
    const value = version === null ? values.at(-1) : values[Number(version) - 1];
    if (value === undefined) return notFound(response, id);
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(value);
  }

  private batch(url: string, isBase64: boolean, response: ServerResponse): void {
    const [, query = ''] = url.split('variable_ids=');
    const ids = decodeURIComponent(query)
      .split(',')
      .map((id) => id.replace(`${ACCOUNT}:variable:`, ''));
    if (ids.some((id) => this.denied.has(id) || this.invisible.has(id)))
      return void response.writeHead(403).end();
    const values = ids.map((id) => [id, this.variables.get(id)?.at(-1)] as const);
    const [missing] = values.find(([, value]) => value === undefined) ?? [];
    if (missing !== undefined) return notFound(response, missing);
    const isBinary = values.some(([, value]) => !isText(value ?? Buffer.alloc(0)));
    if (isBinary && !isBase64) {
      return send(
        response,
        406,
        failure('not_acceptable', 'CONJ00073E Issue encoding secret into JSON format'),
      );
    }
    const encoding = isBase64 ? 'base64' : 'utf8';
    const content = values.map(([id, value]) => [
      `${ACCOUNT}:variable:${id}`,
      value?.toString(encoding),
    ]);
    const headers: Record<string, string> = isBase64 ? { 'content-encoding': 'base64' } : {};
    send(response, 200, Object.fromEntries(content), headers);
  }

  private load(branch: string, policy: string, response: ServerResponse): void {
    if (this.busyLoads > 0) {
      this.busyLoads -= 1;
      return send(
        response,
        409,
        failure('policy_conflict', 'CONJ00045E Conflict: other policy load in progress'),
      );
    }
    const [, id] = /^- !variable (.+)$/m.exec(policy) ?? [];
    if (id === undefined)
      return send(response, 422, failure('policy_invalid', 'The policy is invalid.'));
    const name = id.startsWith('"') ? (JSON.parse(id) as string) : id;
    this.keep(branch === 'root' ? name : `${branch}/${name}`);
    send(response, 201, { created_roles: {}, version: 1 });
  }
}

const TEXT = { 'content-type': 'text/plain' };

function failure(code: string, message: string): object {
  return { error: { code, message } };
}

function notFound(response: ServerResponse, id: string): void {
  const message = `CONJ00076E Variable ${ACCOUNT}:variable:${id} is empty or not found.`;
  send(response, 404, failure('not_found', message));
}

function send(response: ServerResponse, status: number, content: object, headers = {}): void {
  const type = { 'content-type': 'application/json; charset=utf-8' };
  response.writeHead(status, { ...type, ...headers }).end(JSON.stringify(content));
}

function isText(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8')).equals(bytes);
}
