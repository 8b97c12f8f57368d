import { countingDown } from '../../core/clock';
import type { OperationOptions } from '../../core/custom-secret-manager';
import { exactJson } from '../../core/exact-json';
import { SyncHttp } from '../../sync';
import { answerOf, connectionError, type VaultAnswer } from './exchange';
import { certificatesOf } from './vault-tls';
import {
  basePathOf,
  below,
  headersOf,
  originOf,
  redirection,
  type VaultClientOptions,
  type VaultRequest,
} from './vault-client';

const DEFAULT_TIMEOUT_MS = 30_000;

/** As `VaultClient`, blocking. */
export class VaultSyncClient {
  readonly #options: VaultClientOptions;
  readonly #origin: string;
  readonly #basePath: string;
  #http: SyncHttp | undefined;

  constructor(options: VaultClientOptions) {
    this.#options = options;
    this.#origin = originOf(options);
    this.#basePath = basePathOf(options);
  }

  /** Has the worker ready before the first request. */
  start(): void {
    this.http().start();
  }

  /** Returns what the server answers, whatever its status. The deadline is that of the call, a redirection included. */
  send(
    given: VaultRequest,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: OperationOptions,
    token = given.token,
  ): VaultAnswer {
    const request = below(this.#basePath, given);
    const left = countingDown({}, timeoutMs);
    const answer = this.exchange(this.#origin, request, left, token);
    const origin = redirection(answer, request, this.#origin);
    return origin === undefined ? answer : this.exchange(origin, request, left, token);
  }

  async close(): Promise<void> {
    await this.#http?.close();
  }

  private exchange(
    origin: string,
    request: VaultRequest,
    { timeoutMs }: OperationOptions,
    token: string | undefined,
  ): VaultAnswer {
    const { method, path, content } = request;
    const asked = `${method} ${origin}${path}`;
    const body = content && exactJson(content);
    const options = { method, headers: headersOf(request, token), body, timeoutMs };
    const http = this.http();
    try {
      const response = http.request(`${origin}${path}`, options);
      return answerOf(response.statusCode, response.headers, response.text(), asked);
    } catch (error) {
      throw connectionError(error, asked);
    }
  }

  /** Not before it is needed: the certificates may be in files that are not there yet. */
  private http(): SyncHttp {
    return (this.#http ??= new SyncHttp({ tls: certificatesOf(this.#options.tls) }));
  }
}
