import { read } from '../../../core/errors/safe-access';
import { CredentialObject } from '../../http/login/credential-object';
import type { TokenGrant } from '../../http/login/token-session';
import type { GoogleTokenSource } from '../credentials/google-auth';

/** Returns the login by an object of the application, which is asked for each request: it keeps its token itself. */
export function sourceLogin(manager: string, source: GoogleTokenSource): CredentialObject {
  return new CredentialObject({
    manager,
    method: 'getAccessToken()',
    ask: () => source.getAccessToken(),
    grantOf,
    remedy:
      'Check the credentials of that object, and its scope https://www.googleapis.com/auth/cloud-platform.',
  });
}

function grantOf(given: unknown): TokenGrant | undefined {
  const token = typeof given === 'string' ? given : read(given, 'token');
  return typeof token === 'string' ? { token, validForMs: 0 } : undefined;
}
