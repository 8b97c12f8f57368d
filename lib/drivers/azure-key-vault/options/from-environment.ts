import { isRecord } from '../../../core/validation/option-rules';
import { variableOf, variablesOf, withoutUndefined } from '../../../core/validation/given-options';
import { proxyFromEnvironment } from '../../http/options/proxy-from-environment';
import type { AzureAuth, Environment, GivenAzureOptions } from './azure.options';

/** The environment of a manager, if it is not that of the process. */
export const ENVIRONMENT = Symbol('environment');

export type EnvironmentOptions = GivenAzureOptions & { readonly [ENVIRONMENT]?: Environment };

/** Returns the options from LiteLLM's and Microsoft's variables. An empty variable counts as unset. */
export function optionsFromEnvironment(
  environment: Environment,
  givenUrl?: string,
): EnvironmentOptions {
  const variable = variablesOf(environment);
  const vaultUrl = givenUrl ?? variable('AZURE_KEY_VAULT_URI');
  const options: GivenAzureOptions = {
    vaultUrl,
    authorityHost: variable('AZURE_AUTHORITY_HOST'),
    auth: authOf(variable),
    ...proxyFromEnvironment(environment, vaultUrl),
  };
  return { ...withoutUndefined(options), [ENVIRONMENT]: environment };
}

/** Returns the login service that is given, or that Microsoft's webhook tells a pod with a workload identity. */
export function authorityHostOf(
  { auth, authorityHost }: GivenAzureOptions,
  environment: Environment,
): string | undefined {
  const isPod = isRecord(auth) && 'method' in auth && auth.method === 'workload-identity';
  return authorityHost ?? (isPod ? variableOf(environment, 'AZURE_AUTHORITY_HOST') : undefined);
}

/** Returns the login in Microsoft's order: secret, certificate, workload identity, managed identity. */
function authOf(variable: (name: string) => string | undefined): AzureAuth {
  const clientId = variable('AZURE_CLIENT_ID');
  const tenantId = variable('AZURE_TENANT_ID');
  const clientSecret = variable('AZURE_CLIENT_SECRET');
  const file = variable('AZURE_CLIENT_CERTIFICATE_PATH');
  const ids = { tenantId, clientId } as { tenantId: string; clientId: string }; // the start reports a missing one
  if (clientSecret !== undefined) return { method: 'client-secret', ...ids, clientSecret };
  if (file !== undefined) {
    return { method: 'certificate', ...ids, certificateFile: file, privateKeyFile: file };
  }
  const tokenFile = variable('AZURE_FEDERATED_TOKEN_FILE');
  if (tokenFile !== undefined) return { method: 'workload-identity', ...ids, tokenFile };
  return withoutUndefined<AzureAuth>({ method: 'managed-identity', clientId });
}
