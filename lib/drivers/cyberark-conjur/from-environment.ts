import { variablesOf, withoutUndefined } from '../../core/validation/given-options';
import { proxyFromEnvironment } from '../http/options/proxy-from-environment';
import type { ConjurAuth, ConjurSecretManagerOptions } from './conjur.options';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns options from the variables of CyberArk's own clients, else of LiteLLM. An empty variable counts as unset. The
 * start reports missing options.
 */
export function optionsFromEnvironment(
  environment: Environment,
): Partial<ConjurSecretManagerOptions> {
  const variable = variablesOf(environment);
  const address = variable('CONJUR_APPLIANCE_URL', 'CYBERARK_API_BASE');
  const options = {
    address,
    account: variable('CONJUR_ACCOUNT', 'CYBERARK_ACCOUNT'),
    auth: authOf(variable),
    tls: tlsOf(variable),
    ...proxyFromEnvironment(environment, address),
  };
  return withoutUndefined(options);
}

type Variable = (...names: readonly string[]) => string | undefined;

/** Returns the login in the order of CyberArk's clients: a token file, the JWT of an authenticator, an API key. */
function authOf(variable: Variable): ConjurAuth | undefined {
  const path = variable('CONJUR_AUTHN_TOKEN_FILE');
  if (path !== undefined) return { method: 'token-file', path };
  const serviceId = variable('CONJUR_AUTHN_JWT_SERVICE_ID');
  if (serviceId !== undefined) {
    return {
      method: 'jwt',
      serviceId,
      jwtFile: variable('JWT_TOKEN_PATH'),
      login: variable('CONJUR_AUTHN_JWT_HOST_ID'),
    };
  }
  const login = variable('CONJUR_AUTHN_LOGIN', 'CYBERARK_USERNAME');
  const apiKey = variable('CONJUR_AUTHN_API_KEY', 'CYBERARK_API_KEY');
  if (login === undefined || apiKey === undefined) return undefined;
  return { method: 'api-key', login, apiKey };
}

function tlsOf(variable: Variable): ConjurSecretManagerOptions['tls'] {
  const [ca, caFile] = [variable('CONJUR_SSL_CERTIFICATE'), variable('CONJUR_CERT_FILE')];
  if (caFile !== undefined) return { caFile };
  return ca === undefined ? undefined : { ca };
}
