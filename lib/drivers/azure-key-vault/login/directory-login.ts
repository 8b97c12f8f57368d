import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { textOfFile } from '../../../files/text-file';
import { formRequest, type HttpSteps } from '../../http/wire/http-request';
import { storeError } from '../../http/wire/store-errors';
import type { TokenGrant, TokenLogin } from '../../http/login/token-session';
import { pemOf, type CertificateAuth } from '../options/auth-rules';
import { clientAssertion } from './client-assertion';
import { grantOf, LOGIN_DIALECT } from './login-errors';

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export interface Application {
  readonly authorityHost: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly scope: string;
}

/** Returns the fields of the form that prove who logs in. */
type Proof = (tokenUrl: string) => Readonly<Record<string, string>>;

/** The login of an application in a tenant (OAuth 2, client credentials). */
export class DirectoryLogin implements TokenLogin {
  readonly #application: Application;
  readonly #proof: Proof;

  constructor(application: Application, proof: Proof) {
    this.#application = application;
    this.#proof = proof;
  }

  *logIn(): HttpSteps<TokenGrant> {
    const { authorityHost, tenantId, clientId, scope } = this.#application;
    const tokenUrl = `${new URL(authorityHost).origin}/${tenantId}/oauth2/v2.0/token`;
    const answer = yield formRequest(tokenUrl, {
      grant_type: 'client_credentials',
      client_id: clientId,
      scope,
      ...this.#proof(tokenUrl),
    });
    const grant = grantOf(answer);
    if (grant === undefined) throw storeError(answer, 'The login', LOGIN_DIALECT);
    return grant;
  }
}

export function secretProof(clientSecret: string): Proof {
  return () => ({ client_secret: clientSecret });
}

/** Proves the possession of a private key. Certificate and key are read at each login. */
export function certificateProof(auth: CertificateAuth): Proof {
  return (audience) => asProof(signed(auth, audience));
}

/** Shows the token of a file, which is read at each login. */
export function tokenFileProof(tokenFile: string): Proof {
  return () => asProof(tokenOf(tokenFile));
}

function asProof(assertion: string): Readonly<Record<string, string>> {
  return { client_assertion_type: JWT_BEARER, client_assertion: assertion };
}

/** Hides the error of the key, which may quote a part of it. */
function signed(auth: CertificateAuth, audience: string): string {
  try {
    return clientAssertion({ ...pemOf(auth), clientId: auth.clientId, audience });
  } catch {
    throw new SecretManagerError(
      'UNAUTHENTICATED',
      'The certificate or the private key of auth cannot be used now. Check the files.',
    );
  }
}

function tokenOf(path: string): string {
  const token = textOfFile(path)?.trim();
  if (token) return token;
  throw new SecretManagerError(
    'UNAUTHENTICATED',
    `The token file ${quoteName(path)} is empty, or cannot be read. Check the service account of the pod.`,
  );
}
