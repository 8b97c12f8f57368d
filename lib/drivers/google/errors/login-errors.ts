import { type SecretManagerError } from '../../../core/errors/secret-manager.error';
import { isObject, jsonOf, type HttpAnswer } from '../../http/wire/http-request';
import { storeError, type ErrorDialect } from '../../http/wire/store-errors';
import type { TokenGrant } from '../../http/login/token-session';
import { googleReasons } from './google-errors';

const DIALECT: ErrorDialect = {
  store: 'the login of Google',
  rows: [
    [
      [400, 403],
      /invalid_grant|invalid_client|unauthorized_client/,
      'UNAUTHENTICATED',
      'Google refuses the credential: it is expired, revoked or wrong. Renew it',
    ],
    [
      400,
      /./,
      'UNAUTHENTICATED',
      'Google refuses the login as wrong. Check the credential, its audience and its scope',
    ],
    [401, /./, 'UNAUTHENTICATED', 'Google refuses the credential. Check it'],
    [
      403,
      /./,
      'UNAUTHENTICATED',
      'the login is not allowed. Grant roles/iam.workloadIdentityUser or roles/iam.serviceAccountTokenCreator on the service account',
    ],
    [
      404,
      /./,
      'UNAUTHENTICATED',
      'there is no such service account. Check the credential, and the service account of the machine',
    ],
  ],
  reasonOf: loginReasons,
};

/** Returns the error for an answer of a login. No text of the answer goes into it. */
export function loginError(answer: HttpAnswer, login: string): SecretManagerError {
  return storeError(answer, `The login at Google (${login})`, DIALECT);
}

/** Returns the token in an answer, whose lifetime is in seconds. Throws the error for any other answer. */
export function grantOf(answer: HttpAnswer, login: string): TokenGrant {
  const { access_token: token, expires_in: seconds } = jsonOf(answer) ?? {};
  const validForMs = Number(seconds) * 1000;
  const isGrant = answer.statusCode === 200 && typeof token === 'string' && validForMs > 0;
  if (isGrant) return { token, validForMs };
  throw loginError(answer, login);
}

/** Returns the codes of OAuth, or those of Google's APIs. The metadata server marks its answers with a header. */
function loginReasons(answer: HttpAnswer): string | undefined {
  const error = jsonOf(answer)?.error;
  if (typeof error === 'string') return error || 'ERROR';
  if (isObject(error)) return googleReasons(answer);
  return isOfMetadataServer(answer) ? 'METADATA' : undefined;
}

export function isOfMetadataServer({ headers }: HttpAnswer): boolean {
  return headers['metadata-flavor'] === 'Google';
}
