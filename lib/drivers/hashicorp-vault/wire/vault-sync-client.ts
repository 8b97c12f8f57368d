import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { countingDown } from '../../../core/time/clock';
import { DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import { exactJson } from '../../../core/validation/exact-json';
import { SyncHttp } from '../../../sync';
import { Redirects } from './redirects';
import { connectionError } from '../../http/wire/request-handler';
import { answerOf, type VaultAnswer } from './vault-answer';
import type { TlsFiles } from '../../http/tls/tls-files';
import {
  basePathOf,
  headersOf,
  originOf,
  withBasePath,
  type VaultClientOptions,
} from './vault-client';
import type { VaultRequest } from './vault-request';

/** The blocking form of `VaultClient`. */
export class VaultSyncClient {
  readonly #origin: string;
  readonly #basePath: string;
  readonly #tls: TlsFiles;
  readonly #redirects: Redirects;
  readonly #http: SyncHttp;

  constructor(options: VaultClientOptions, tls: TlsFiles) {
    const { proxy, noProxy } = options;
    this.#origin = originOf(options);
    this.#basePath = basePathOf(options);
    this.#tls = tls;
    this.#redirects = new Redirects(this.#origin, this.#basePath, options);
    this.#http = new SyncHttp({ proxy, noProxy });
  }

  /** Starts the worker before the first request. */
  start(): void {
    this.#http.start();
  }

  /** Returns the answer, whatever its status. One deadline covers the call and a redirect. */
  send(
    given: VaultRequest,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: OperationOptions,
    token = given.token,
  ): VaultAnswer {
    const request = withBasePath(this.#basePath, given);
    const left = countingDown({}, timeoutMs);
    const answer = this.sendOnce(this.#origin, request, left, token);
    const redirect = this.#redirects.resolve(answer, request);
    if (redirect === undefined) return answer;
    if ('refusal' in redirect) return { ...answer, explanation: redirect.refusal };
    const { origin, path } = redirect;
    return this.sendOnce(origin, { ...request, path }, left, token);
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  private sendOnce(
    origin: string,
    request: VaultRequest,
    { timeoutMs }: OperationOptions,
    token: string | undefined,
  ): VaultAnswer {
    const { method, path, content } = request;
    const asked = `${method} ${origin}${path}`;
    const body = content && exactJson(content);
    const tls = this.#tls.current();
    const options = { method, headers: headersOf(request, token), body, timeoutMs, tls };
    try {
      const response = this.#http.request(`${origin}${path}`, options);
      return answerOf(response.statusCode, response.headers, response.text(), asked);
    } catch (error) {
      throw connectionError(error, asked);
    }
  }
}
