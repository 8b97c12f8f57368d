import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { isRecord } from '../../../core/validation/option-rules';
import { textOfFile } from '../../../files/text-file';
import {
  formRequest,
  jsonOf,
  jsonRequest,
  type HttpAnswer,
  type HttpSteps,
} from '../../http/wire/http-request';
import type { TokenGrant } from '../../http/login/token-session';
import type { ExternalAccount, SubjectSource } from '../credentials/credential';
import { grantOf, loginError } from '../errors/login-errors';
import { CLOUD_PLATFORM_SCOPE } from './service-account';

/** Exchanges the token of another identity provider, and impersonates a service account if the file says so. */
export function* externalToken(account: ExternalAccount): HttpSteps<TokenGrant> {
  const subjectToken = yield* subjectTokenOf(account.subject);
  const exchanged = yield formRequest(account.tokenUrl, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: account.audience,
    scope: CLOUD_PLATFORM_SCOPE,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: subjectToken,
    subject_token_type: account.subjectTokenType,
  });
  const grant = grantOf(exchanged, 'token exchange');
  const { impersonationUrl, lifetimeSeconds } = account;
  return impersonationUrl === undefined
    ? grant
    : yield* impersonate(impersonationUrl, grant.token, lifetimeSeconds);
}

function* impersonate(url: string, token: string, lifetimeSeconds: number): HttpSteps<TokenGrant> {
  const content = { scope: [CLOUD_PLATFORM_SCOPE], lifetime: `${lifetimeSeconds}s` };
  const request = jsonRequest('POST', url, content);
  const headers = { ...request.headers, authorization: `Bearer ${token}` };
  const answer = yield { ...request, headers };
  const { accessToken, expireTime } = jsonOf(answer) ?? {};
  const validForMs = Date.parse(String(expireTime)) - timeOf(answer);
  if (answer.statusCode === 200 && typeof accessToken === 'string' && validForMs > 0) {
    return { token: accessToken, validForMs };
  }
  throw loginError(answer, 'impersonation of the service account');
}

/** Returns the time of the server, because the clock of this machine may be wrong. */
function timeOf({ headers }: HttpAnswer): number {
  const time = Date.parse(headers.date ?? '');
  return Number.isNaN(time) ? Date.now() : time;
}

/** Reads the token of the other identity provider. It is short-lived, so each login reads it again. */
function* subjectTokenOf({ file, url, headers, field }: SubjectSource): HttpSteps<string> {
  if (file !== undefined) return tokenIn(textOf(file), field, `The file ${quoteName(file)}`);
  const answer = yield { method: 'GET', url: url ?? '', headers };
  if (answer.statusCode !== 200) throw loginError(answer, 'token of the other identity provider');
  return tokenIn(answer.body.toString('utf8'), field, 'The answer of the other identity provider');
}

function textOf(path: string): string {
  const text = textOfFile(path);
  if (text !== undefined) return text;
  throw noSubjectToken(`The file ${quoteName(path)}`, 'cannot be read');
}

function tokenIn(text: string, field: string | undefined, place: string): string {
  const token = field === undefined ? text.trim() : fieldIn(text, field);
  if (typeof token === 'string' && token !== '') return token;
  throw noSubjectToken(place, 'holds no token');
}

function fieldIn(text: string, field: string): unknown {
  try {
    const json: unknown = JSON.parse(text);
    return isRecord(json) && Object.hasOwn(json, field) ? json[field] : undefined;
  } catch {
    return undefined;
  }
}

/** The provider may write its token in a moment, so that the next attempt finds it. */
function noSubjectToken(place: string, problem: string): SecretManagerError {
  return new SecretManagerError(
    'UNAUTHENTICATED',
    `${place} ${problem}, with which the login at Google begins. Check \`credential_source\` of the credential file.`,
  );
}
