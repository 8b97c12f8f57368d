import type { TokenLogin } from '../../http/login/token-session';
import { withDefaults } from '../options/auth-rules';
import {
  isCredential,
  type AzureKeyVaultSecretManagerOptions,
  type Environment,
} from '../options/azure.options';
import { cloudOf, resourceOf } from '../options/clouds';
import { authorityHostOf } from '../options/from-environment';
import { credentialLogin } from './credential-login';
import {
  certificateProof,
  DirectoryLogin,
  secretProof,
  tokenFileProof,
  type Application,
} from './directory-login';
import { ManagedIdentityLogin } from './managed-identity';

export interface AzureLogin {
  readonly login: TokenLogin;
  /** The resource that the tokens are for. */
  readonly resource: string;
  /** The origin of a metadata service, which is never asked through a proxy. */
  readonly metadataOrigin?: string;
  /** Ends a login in flight that sends no request of its own. */
  readonly close?: () => void;
}

type WithIds = Pick<Application, 'tenantId' | 'clientId'>;

/** Returns the login for a vault. The options were checked before. */
export function azureLogin(
  manager: string,
  options: AzureKeyVaultSecretManagerOptions,
  environment: Environment,
): AzureLogin {
  const { vaultUrl, auth } = options;
  const authorityHost = authorityHostOf(options, environment);
  const cloud = cloudOf(new URL(vaultUrl), authorityHost);
  const resource = resourceOf(cloud);
  const scope = `${resource}/.default`;
  if (isCredential(auth)) {
    const login = credentialLogin(manager, auth, scope);
    return { login, resource, close: () => login.close() };
  }
  if (auth.method === 'managed-identity') {
    const { clientId, endpoint } = auth;
    const login = new ManagedIdentityLogin({ clientId, endpoint, resource }, environment);
    return { login, resource, metadataOrigin: login.origin };
  }
  const applicationOf = ({ tenantId, clientId }: WithIds): Application => ({
    authorityHost: authorityHost ?? cloud.authorityHost,
    tenantId,
    clientId,
    scope,
  });
  if (auth.method === 'client-secret') {
    const login = new DirectoryLogin(applicationOf(auth), secretProof(auth.clientSecret));
    return { login, resource };
  }
  if (auth.method === 'certificate') {
    return { login: new DirectoryLogin(applicationOf(auth), certificateProof(auth)), resource };
  }
  const identity = withDefaults(auth, environment) as WithIds & { readonly tokenFile: string };
  const proof = tokenFileProof(identity.tokenFile);
  return { login: new DirectoryLogin(applicationOf(identity), proof), resource };
}
