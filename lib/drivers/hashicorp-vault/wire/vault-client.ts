import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { now } from '../../../core/time/clock';
import { Deadlines } from '../../../core/time/deadlines';
import { DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import { exactJson } from '../../../core/validation/exact-json';
import { Connections, type ConnectionOptions } from '../../http/wire/connections';
import { Redirects, type RedirectOptions } from './redirects';
import { RequestHandler } from '../../http/wire/request-handler';
import { toVaultAnswer, type VaultAnswer } from './vault-answer';
import type { TlsFiles } from '../../http/tls/tls-files';
import { CONTEXT } from './waiting';
import type { VaultRequest } from './vault-request';

export interface VaultClientOptions extends ConnectionOptions, RedirectOptions {
  readonly address: string;
}

const SHORTEST_MS = 1;

/** Sends HTTP requests to one server over pooled connections. Callers interpret the answers. */
export class VaultClient {
  readonly #origin: string;
  readonly #basePath: string;
  readonly #connections: Connections;
  readonly #redirects: Redirects;
  readonly #deadlines = new Deadlines<RequestHandler<VaultAnswer>>();

  constructor(options: VaultClientOptions, tls: TlsFiles) {
    this.#origin = originOf(options);
    this.#basePath = basePathOf(options);
    this.#connections = new Connections(this.#origin, tls, options);
    this.#redirects = new Redirects(this.#origin, this.#basePath, options);
  }

  /**
   * Resolves to the answer, whatever its status. Rejects unless the whole answer arrives within `timeoutMs`.
   * Follows one redirect to the active node.
   */
  async send(
    request: VaultRequest,
    options: OperationOptions = {},
    token = request.token,
  ): Promise<VaultAnswer> {
    return await this.sendAnd(request, options, token, (answer) => answer);
  }

  /**
   * Sends a request and resolves to the result of `onAnswer`, which saves one promise per read. Throws if the
   * request cannot be sent.
   */
  sendAnd<Result>(
    given: VaultRequest,
    options: OperationOptions,
    token: string | undefined,
    onAnswer: (answer: VaultAnswer) => Result | Promise<Result>,
  ): Promise<Result> {
    const request = withBasePath(this.#basePath, given);
    const limitMs = limitOf(options);
    const endsAt = now() + limitMs;
    return this.sendOnce(this.#origin, request, options, token, limitMs).then((answer) => {
      if (answer.statusCode < 300 || answer.statusCode > 399) return onAnswer(answer);
      const redirect = this.#redirects.resolve(answer, request);
      if (redirect === undefined) return onAnswer(answer);
      if ('refusal' in redirect) return onAnswer({ ...answer, explanation: redirect.refusal });
      const { origin, path } = redirect;
      const leftMs = Math.max(SHORTEST_MS, endsAt - now());
      return this.sendOnce(origin, { ...request, path }, options, token, leftMs).then(onAnswer);
    });
  }

  /** Closes all connections. Requests in flight fail. */
  async close(): Promise<void> {
    this.#deadlines.close();
    await this.#connections.close();
  }

  private sendOnce(
    origin: string,
    request: VaultRequest,
    options: OperationOptions,
    token: string | undefined,
    limitMs: number,
  ): Promise<VaultAnswer> {
    const { method, path, content } = request;
    const dispatcher = this.#connections.dispatcherTo(origin);
    const handler = new RequestHandler(`${method} ${origin}${path}`, toVaultAnswer, CONTEXT);
    handler.startDeadline(limitMs, this.#deadlines);
    handler.followCancellation(options);
    dispatcher.dispatch(
      {
        origin,
        method,
        path,
        headers: headersOf(request, token),
        body: content && exactJson(content),
        headersTimeout: 0, // one deadline covers the request and its answer
        bodyTimeout: 0,
      },
      handler,
    );
    return handler.answer;
  }
}

function limitOf({ timeoutMs = DEFAULT_TIMEOUT_MS }: OperationOptions): number {
  return timeoutMs > SHORTEST_MS ? timeoutMs : SHORTEST_MS;
}

export function originOf({ address }: VaultClientOptions): string {
  return URL.canParse(address) ? new URL(address).origin : address;
}

/** Returns the path of an address: a proxy may serve the server below a path. */
export function basePathOf({ address }: VaultClientOptions): string {
  return URL.canParse(address) ? new URL(address).pathname.replace(/\/$/, '') : '';
}

export function withBasePath(basePath: string, request: VaultRequest): VaultRequest {
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
