import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { textOfFile } from '../../files/text-file';
import {
  formRequest,
  isObject,
  type HttpAnswer,
  type HttpRequest,
  type HttpSteps,
} from '../http/wire/http-request';
import { storeError } from '../http/wire/store-errors';
import type { TokenGrant, TokenLogin } from '../http/login/token-session';
import { CONJUR } from './conjur-errors';
import type { ConjurUrls } from './conjur-urls';
import { DEFAULT_JWT_FILE, type ConjurAuth } from './conjur.options';

/** The lifetime of an access token that does not tell its own. */
const DEFAULT_LIFETIME_MS = 480_000;

/** Logs in to Conjur, or takes the token that another process keeps up to date. */
export class ConjurLogin implements TokenLogin {
  readonly #auth: ConjurAuth;
  readonly #urls: ConjurUrls;

  constructor(auth: ConjurAuth, urls: ConjurUrls) {
    this.#auth = auth;
    this.#urls = urls;
  }

  *logIn(): HttpSteps<TokenGrant> {
    const auth = this.#auth;
    if (auth.method === 'token-file') return grantOf(textOf(auth.path, 'the access token'), 0);
    const answer = yield this.requestOf(auth);
    if (answer.statusCode !== 200) {
      throw storeError(answer, `The login to Conjur by ${auth.method}`, CONJUR);
    }
    return grantOf(answer.body.toString('utf8'));
  }

  private requestOf(auth: Exclude<ConjurAuth, { method: 'token-file' }>): HttpRequest {
    if (auth.method === 'api-key') {
      const headers = { 'content-type': 'text/plain' };
      return { method: 'POST', url: this.#urls.login(auth.login), headers, body: auth.apiKey };
    }
    const { jwt = textOf(auth.jwtFile ?? DEFAULT_JWT_FILE, 'the JWT') } = auth;
    return formRequest(this.#urls.jwtLogin(auth.serviceId, auth.login), { jwt });
  }
}

/** Adds the token to a request. */
export function authorize(request: HttpRequest, token: string): HttpRequest {
  const authorization = `Token token="${token}"`;
  return { ...request, headers: { ...request.headers, authorization } };
}

/** Conjur answers 401 to a token that it does not accept. A proxy answers with a page, and no other token helps. */
export function isRefused(answer: HttpAnswer): boolean {
  return answer.statusCode === 401 && CONJUR.reasonOf(answer) !== undefined;
}

/**
 * Reads an access token: JSON, or its base64. The token is sent as base64.
 *
 * @param validForMs the lifetime, if it is not that of the token
 */
function grantOf(text: string, validForMs?: number): TokenGrant {
  const json = text.trim().startsWith('{')
    ? text.trim()
    : Buffer.from(text, 'base64').toString('utf8');
  const content = parse(json);
  if (content === undefined) {
    throw new SecretManagerError(
      'MALFORMED',
      'The access token of Conjur is neither JSON nor its base64. Check the address, or the file.',
    );
  }
  const token = Buffer.from(json).toString('base64');
  return { token, validForMs: validForMs ?? lifetimeOf(content) };
}

/** Returns the time between the issue and the end of a token, so that the clocks need not agree. */
function lifetimeOf({ payload }: Readonly<Record<string, unknown>>): number {
  const claims =
    typeof payload === 'string'
      ? parse(Buffer.from(payload, 'base64').toString('utf8'))
      : undefined;
  const { iat, exp } = claims ?? {};
  const lifetimeMs = (Number(exp) - Number(iat)) * 1_000;
  return lifetimeMs > 0 ? lifetimeMs : DEFAULT_LIFETIME_MS;
}

function parse(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const content: unknown = JSON.parse(json);
    return isObject(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

/** Reads a file. The read blocks in an asynchronous login, too, so that both logins share the same code. */
function textOf(path: string, what: string): string {
  const text = textOfFile(path)?.trim();
  if (text !== undefined && text !== '') return text;
  const problem = text === undefined ? 'cannot be read' : 'is empty';
  throw new SecretManagerError(
    'UNAVAILABLE',
    `The file of ${what}, ${quoteName(path)}, ${problem}.`,
  );
}
