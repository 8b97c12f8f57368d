import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import {
  jsonRequest,
  type HttpAnswer,
  type HttpRequest,
  type HttpSteps,
} from '../../http/wire/http-request';
import type { TokenSession } from '../../http/login/token-session';
import { asksForOtherResource } from './challenge';
import { isRefusedToken, otherResource } from './vault-errors';

const API_VERSION = '7.4';

/** Sends requests to one vault, each with a token. */
export class VaultRequests {
  readonly #origin: string;
  readonly #resource: string;
  readonly #session: Pick<TokenSession, 'send'>;

  /** @param resource the resource that the tokens are for */
  constructor(origin: string, resource: string, session: Pick<TokenSession, 'send'>) {
    this.#origin = origin;
    this.#resource = resource;
    this.#session = session;
  }

  /**
   * Returns the answer, whatever its status. Throws `MISCONFIGURED` if the vault asks for tokens of another resource.
   *
   * @param path the path with encoded names
   */
  *send(
    method: HttpRequest['method'],
    path: string,
    options: OperationOptions,
    { content, query = {} }: { readonly content?: object; readonly query?: Query } = {},
  ): HttpSteps<HttpAnswer> {
    const search = new URLSearchParams({ 'api-version': API_VERSION, ...query }).toString();
    const url = `${this.#origin}${path}?${search}`;
    const request = content === undefined ? { method, url } : jsonRequest(method, url, content);
    const answer = yield* this.#session.send(request, options);
    if (asksForOtherResource(answer, this.#resource)) throw otherResource(this.#resource);
    return answer;
  }
}

type Query = Readonly<Record<string, string>>;

/** Adds a token to a request. */
export function authorize(request: HttpRequest, token: string): HttpRequest {
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };
}

/** Returns whether another token may help. A vault that asks for another resource would refuse each. */
export function mayAcceptAnother(answer: HttpAnswer, resource: string): boolean {
  return isRefusedToken(answer) && !asksForOtherResource(answer, resource);
}

export function secretPath(storedName: string, version?: string): string {
  const path = `/secrets/${encodeURIComponent(storedName)}`;
  return version === undefined ? path : `${path}/${encodeURIComponent(version)}`;
}

export function deletedPath(storedName: string): string {
  return `/deletedsecrets/${encodeURIComponent(storedName)}`;
}
