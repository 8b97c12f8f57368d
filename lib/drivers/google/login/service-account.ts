import { sign } from 'node:crypto';
import type { TokenGrant } from '../../http/login/token-session';
import type { ServiceAccount } from '../credentials/credential';
import { GOOGLE_UNIVERSE } from '../credentials/google-auth';

export const CLOUD_PLATFORM_SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

const LIFETIME_SECONDS = 3_600;

/**
 * Signs a token with the key of a service account. No request is needed: Google accepts it in place of an access
 * token.
 *
 * @param audience the service, as `https://secretmanager.googleapis.com/`; other universes take a scope instead
 * @param iat the time of issue, in seconds
 */
export function selfSignedToken(
  { email, keyId, privateKey, universe }: ServiceAccount,
  audience: string,
  iat: number,
): TokenGrant {
  const purpose =
    universe === GOOGLE_UNIVERSE ? { aud: audience } : { scope: CLOUD_PLATFORM_SCOPE };
  const signed = [
    { alg: 'RS256', typ: 'JWT', kid: keyId },
    { iss: email, sub: email, ...purpose, iat, exp: iat + LIFETIME_SECONDS },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('RSA-SHA256', Buffer.from(signed), privateKey).toString('base64url');
  return { token: `${signed}.${signature}`, validForMs: LIFETIME_SECONDS * 1000 };
}
