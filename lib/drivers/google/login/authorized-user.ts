import { formRequest, type HttpSteps } from '../../http/wire/http-request';
import type { TokenGrant } from '../../http/login/token-session';
import type { AuthorizedUser } from '../credentials/credential';
import { grantOf } from '../errors/login-errors';

/** Requests a token with the refresh token of a user, which `gcloud auth application-default login` made. */
export function* userToken({
  clientId,
  clientSecret,
  refreshToken,
  tokenUrl,
}: AuthorizedUser): HttpSteps<TokenGrant> {
  const answer = yield formRequest(tokenUrl, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: clientId,
    client_secret: clientSecret,
  });
  return grantOf(answer, 'authorized user');
}
