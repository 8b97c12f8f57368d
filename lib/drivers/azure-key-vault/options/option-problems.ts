import {
  optional,
  ruleProblems,
  unchecked,
  type Rule,
} from '../../../core/validation/option-rules';
import { hostList } from '../../http/options/hosts';
import { mapNameRule } from '../../http/options/mapped-names';
import { CONNECTION_RULES, serverUrl } from '../../http/options/option-rules';
import { authProblems } from './auth-rules';
import type { Environment, GivenAzureOptions } from './azure.options';
import { isTrustedVault } from './clouds';
import { authorityHostOf, ENVIRONMENT, type EnvironmentOptions } from './from-environment';

const VAULT = 'https://my-vault.vault.azure.net';
const LOGIN = 'https://login.microsoftonline.com';

/** Returns every problem of the options. No problem quotes a secret. Sends no request. */
export function optionProblems(options: EnvironmentOptions): readonly string[] {
  const { [ENVIRONMENT]: environment = process.env, ...given } = options;
  const { allowInsecureHttp } = given;
  const url = { allowInsecureHttp: allowInsecureHttp === true };
  return [
    ...ruleProblems(given, {
      vaultUrl: vaultUrl(given),
      auth: unchecked,
      ...optional({
        mapName: mapNameRule,
        trustedHosts: hostList('vault.example'),
        authorityHost: serverUrl(LOGIN, url),
        ...CONNECTION_RULES,
      }),
    }),
    ...(given.authorityHost === undefined ? webhookProblems(given, environment, url) : []),
    ...authProblems(given.auth, environment),
  ];
}

/** Returns the problem of the login service that a workload identity takes from its variable. */
function webhookProblems(
  given: GivenAzureOptions,
  environment: Environment,
  url: { readonly allowInsecureHttp: boolean },
): readonly string[] {
  const AZURE_AUTHORITY_HOST = authorityHostOf(given, environment);
  const rules = optional({ AZURE_AUTHORITY_HOST: serverUrl(LOGIN, url) });
  return ruleProblems({ AZURE_AUTHORITY_HOST }, rules, 'the variable ');
}

function vaultUrl({ allowInsecureHttp, trustedHosts }: GivenAzureOptions): Rule {
  return (given, path) => {
    if (given === undefined) return `is missing: give it, as "${VAULT}"`;
    const options = { allowInsecureHttp: allowInsecureHttp === true };
    const problem = serverUrl(VAULT, options)(given, path);
    if (problem !== undefined) return problem;
    const hosts = Array.isArray(trustedHosts) ? (trustedHosts as readonly string[]) : [];
    return isTrustedVault(new URL(given as string), hosts) ? undefined : UNTRUSTED;
  };
}

const UNTRUSTED =
  'is no vault of Azure (https://NAME.vault.azure.net, .vault.azure.cn or .vault.usgovcloudapi.net), and tokens go to ' +
  'no other host: if it is yours, list it in trustedHosts';
