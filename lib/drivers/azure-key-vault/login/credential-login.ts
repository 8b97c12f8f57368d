import { read } from '../../../core/errors/safe-access';
import { CredentialObject } from '../../http/login/credential-object';
import type { TokenGrant } from '../../http/login/token-session';
import type { AzureCredential } from '../options/azure.options';

/** Returns the login by a credential object, which is asked again before its token ends. */
export function credentialLogin(
  manager: string,
  credential: AzureCredential,
  scope: string,
): CredentialObject {
  return new CredentialObject({
    manager,
    method: 'getToken()',
    ask: () => credential.getToken(scope),
    grantOf,
    remedy: 'It must give a token with an `expiresOnTimestamp`: check the login of that object.',
  });
}

function grantOf(given: unknown): TokenGrant | undefined {
  const [token, end] = [read(given, 'token'), read(given, 'expiresOnTimestamp')];
  const isToken = typeof token === 'string' && typeof end === 'number' && Number.isFinite(end);
  return isToken ? { token, validForMs: end - Date.now() } : undefined;
}
