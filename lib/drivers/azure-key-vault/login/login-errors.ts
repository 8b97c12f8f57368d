import { isObject, jsonOf, type HttpAnswer } from '../../http/wire/http-request';
import type { ErrorDialect } from '../../http/wire/store-errors';

/** The failures of the login service. Codes of Microsoft are compared, and never shown. */
export const LOGIN_DIALECT: ErrorDialect = {
  store: 'the login service of Microsoft',
  rows: [
    [400, 'foreign', 'MISCONFIGURED', 'no login service of Microsoft answers. Check authorityHost'],
    [
      [400, 401],
      /temporarily_unavailable|server_error/,
      'UNAVAILABLE',
      'the login service cannot answer now',
    ],
    [
      [400, 401],
      /AADSTS7000222/,
      'UNAUTHENTICATED',
      'the client secret has expired. Give the application a new one',
    ],
    [[400, 401], /AADSTS7000215/, 'UNAUTHENTICATED', 'the client secret is wrong'],
    [[400, 401], /AADSTS(90002|900023)/, 'UNAUTHENTICATED', 'there is no such tenant'],
    [
      [400, 401],
      /AADSTS700016/,
      'UNAUTHENTICATED',
      'the tenant has no such application. Check clientId and tenantId',
    ],
    [
      [400, 401],
      /AADSTS7000(27|30)\b/,
      'UNAUTHENTICATED',
      'the application does not know the certificate. Upload it there',
    ],
    [
      [400, 401],
      /AADSTS7002\d+/,
      'UNAUTHENTICATED',
      'no federated credential of the application fits the token file',
    ],
    [[400, 403], 'any', 'UNAUTHENTICATED', 'the login is refused. Check auth'],
  ],
  reasonOf: (answer) => {
    const { error, error_description: text } = jsonOf(answer) ?? {};
    if (typeof error !== 'string') return undefined;
    return [error, ...(String(text).match(/AADSTS\d+/g) ?? [])].join(' ');
  },
};

/** The failures of the metadata services of machines and apps. They answer late while an identity is assigned. */
export const METADATA_DIALECT: ErrorDialect = {
  store: 'the metadata service of Azure',
  rows: [
    [
      [404, 410],
      'any',
      'UNAVAILABLE',
      'the metadata service has no identity yet. It may have one in a minute',
    ],
    [
      400,
      'any',
      'UNAUTHENTICATED',
      'there is no such identity here. Assign it to the machine, or check auth.clientId',
    ],
    [
      [401, 403],
      'any',
      'UNAUTHENTICATED',
      'the metadata service refused the request. Check the identity of the machine',
    ],
  ],
  reasonOf: (answer) => {
    const content = jsonOf(answer);
    return content !== undefined && (isObject(content.error) || 'error' in content)
      ? 'error'
      : undefined;
  },
};

/** Returns the life of a token in milliseconds, or `undefined` for an answer that holds no token. */
export function grantOf(
  answer: HttpAnswer,
): { readonly token: string; readonly validForMs: number } | undefined {
  const { access_token: token, expires_in: life, expires_on: end } = jsonOf(answer) ?? {};
  const validForMs = msOf(life) ?? Number(msOf(end)) - Date.now();
  const isToken = typeof token === 'string' && answer.statusCode === 200;
  return isToken && Number.isFinite(validForMs) ? { token, validForMs } : undefined;
}

/** Returns the milliseconds of seconds, which may be a text. */
function msOf(seconds: unknown): number | undefined {
  const isGiven = typeof seconds === 'number' || (typeof seconds === 'string' && seconds !== '');
  const ms = isGiven ? Number(seconds) * 1_000 : NaN;
  return Number.isFinite(ms) ? ms : undefined;
}
