import {
  optional,
  ruleProblems,
  unchecked,
  type Rule,
} from '../../../core/validation/option-rules';
import { hostList } from '../../http/hosts';
import { mapNameRule } from '../../http/mapped-names';
import { CONNECTION_RULES, serverUrl } from '../../http/option-rules';
import { authProblems } from './auth-rules';
import type { GivenAzureOptions } from './azure.options';
import { isTrustedVault } from './clouds';
import { ENVIRONMENT, type EnvironmentOptions } from './from-environment';

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
    ...authProblems(given.auth, environment),
  ];
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
