import { Pool } from 'undici';
import type { OperationOptions } from '../../core/custom-secret-manager';
import { exactJson } from '../../core/exact-json';
import { SecretManagerError } from '../../core/secret-manager.error';
import { Exchange, type VaultAnswer } from './exchange';
import { certificatesOf } from './vault-tls';
import type { VaultTls } from './vault.options';

export interface VaultRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Encoded, and with its query. */
  readonly path: string;
  readonly token?: string;
  readonly namespace?: string;
  readonly content?: object;
  /** Besides those that every request has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A denial of it is an answer: nobody needs another token for it. */
  readonly isProbe?: boolean;
}

export interface VaultClientOptions {
  readonly address: string;
  readonly tls?: VaultTls;
}

const CONNECTIONS = 10;
const DEFAULT_TIMEOUT_MS = 30_000;
/** Shorter than the server's own five minutes, so that no request goes out on a connection that it has just closed. */
const KEEP_ALIVE_MS = 60_000;
const CONTEXT = { manager: 'hashicorp-vault', operation: 'request' };

/** Speaks HTTP to one server, over connections that are kept. What the server answers is for others to understand. */
export class VaultClient {
  readonly #origin: string;
  readonly #basePath: string;
  readonly #tls: VaultTls | undefined;
  readonly #pools = new Map<string, Pool>();
  #isClosed = false;

  constructor(options: VaultClientOptions) {
    this.#origin = originOf(options);
    this.#basePath = basePathOf(options);
    this.#tls = options.tls;
  }

  /**
   * Resolves to what the server answers, whatever its status; rejects where there is no answer. A standby that names the
   * active node is obeyed, once.
   */
  async send(
    request: VaultRequest,
    options: OperationOptions = {},
    token = request.token,
  ): Promise<VaultAnswer> {
    return await this.sendAnd(request, options, token, (answer) => answer);
  }

  /** As `send`, and to what is made of the answer: a promise fewer for every read. Throws if it cannot be sent. */
  sendAnd<Result>(
    given: VaultRequest,
    options: OperationOptions,
    token: string | undefined,
    see: (answer: VaultAnswer) => Result | Promise<Result>,
  ): Promise<Result> {
    const request = below(this.#basePath, given);
    return this.exchange(this.#origin, request, options, token).then((answer) => {
      const origin = redirection(answer, request, this.#origin);
      if (origin === undefined) return see(answer);
      return this.exchange(origin, request, options, token).then(see);
    });
  }

  /** Requests under way end with an error. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }

  private exchange(
    origin: string,
    request: VaultRequest,
    options: OperationOptions,
    token: string | undefined,
  ): Promise<VaultAnswer> {
    const { method, path, content } = request;
    const pool = this.pool(origin);
    const limitMs = limitOf(options);
    const exchange = new Exchange(`${method} ${origin}${path}`);
    exchange.endWith(options, CONTEXT);
    pool.dispatch(
      {
        method,
        path,
        headers: headersOf(request, token),
        body: content && exactJson(content),
        headersTimeout: limitMs,
        bodyTimeout: limitMs,
      },
      exchange,
    );
    return exchange.answer;
  }

  /** Besides the server's own there is one more at most: the active node's, where the server is a standby. */
  private pool(origin: string): Pool {
    if (this.#isClosed) {
      throw new SecretManagerError('UNAVAILABLE', 'The connections to the server were closed.');
    }
    const kept = this.#pools.get(origin);
    if (kept !== undefined) return kept;
    for (const [other, pool] of this.#pools) {
      if (other === this.#origin) continue;
      this.#pools.delete(other);
      void pool.close();
    }
    const pool = new Pool(origin, {
      connections: CONNECTIONS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: { ...certificatesOf(this.#tls) },
    });
    this.#pools.set(origin, pool);
    return pool;
  }
}

/** By 0 undici means no limit; what it cannot take, it refuses, and a request that it refuses costs a connection for good. */
function limitOf({ timeoutMs = DEFAULT_TIMEOUT_MS }: OperationOptions): number {
  if (timeoutMs === Infinity) return 0;
  return timeoutMs > 1 ? timeoutMs : 1;
}

export function originOf({ address }: VaultClientOptions): string {
  return URL.canParse(address) ? new URL(address).origin : address;
}

/** The path of an address, as of a proxy that serves the server below it. */
export function basePathOf({ address }: VaultClientOptions): string {
  return URL.canParse(address) ? new URL(address).pathname.replace(/\/$/, '') : '';
}

export function below(basePath: string, request: VaultRequest): VaultRequest {
  return basePath === '' ? request : { ...request, path: basePath + request.path };
}

export function headersOf(
  { namespace, content, headers: others }: VaultRequest,
  token: string | undefined,
): Record<string, string> {
  const headers: Record<string, string> = { 'x-vault-request': 'true' };
  if (token !== undefined) headers['x-vault-token'] = token;
  if (namespace !== undefined) headers['x-vault-namespace'] = namespace;
  if (content !== undefined) headers['content-type'] = 'application/json';
  return others === undefined ? headers : { ...headers, ...others };
}

/** Where to ask once more: the same path, on the same host or over https. A token must not be sent anywhere else. */
export function redirection(
  { statusCode, headers }: VaultAnswer,
  { path }: VaultRequest,
  origin: string,
): string | undefined {
  if (statusCode !== 307 && statusCode !== 308 && statusCode !== 302) return undefined;
  const { location } = headers;
  if (typeof location !== 'string' || !URL.canParse(location, origin)) return undefined;
  const target = new URL(location, origin);
  const isSafe = target.protocol === 'https:' || target.origin === origin;
  const isSamePath = `${target.pathname}${target.search}` === path;
  return isSafe && isSamePath && !target.username && !target.password ? target.origin : undefined;
}
