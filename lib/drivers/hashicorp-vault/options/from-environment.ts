import { variablesOf, withoutUndefined } from '../../../core/validation/given-options';
import { proxyFromEnvironment, withScheme } from '../../http/options/proxy-from-environment';
import type { GivenVaultOptions, VaultAuth } from './vault.options';

type Environment = Readonly<Record<string, string | undefined>>;

/** The prefixes of HashiCorp Vault's tools, of OpenBao and of LiteLLM. */
const FAMILIES = ['VAULT_', 'BAO_', 'HCP_VAULT_'] as const;
type Family = (typeof FAMILIES)[number];

const NAMES = [
  'ADDR',
  'PROXY_ADDR',
  'NAMESPACE',
  'MOUNT_NAME',
  'PATH_PREFIX',
  'TOKEN',
  'CACERT',
  'CLIENT_CERT',
  'CLIENT_KEY',
  'ROLE_ID',
  'SECRET_ID',
  'APPROLE_ROLE_ID',
  'APPROLE_SECRET_ID',
  'APPROLE_MOUNT_PATH',
  'CERT_ROLE',
];

/** Holds the problems of the variables. The start reports them with the problems of the options. */
export const ENVIRONMENT_PROBLEMS = Symbol('problems of the environment');

export type EnvironmentOptions = GivenVaultOptions & {
  readonly [ENVIRONMENT_PROBLEMS]?: readonly string[];
};

/**
 * Returns options from one family of variables: that of the address, else the first with any variable. A token of
 * one server must not go to another. An empty variable counts as unset.
 */
export function optionsFromEnvironment(
  environment: Environment,
  givenAddress?: string,
): EnvironmentOptions {
  const variable = variablesOf(environment);
  const family = findFamily(variable);
  const familyVariable = (name: string): string | undefined => variable(`${family}${name}`);
  const address = givenAddress ?? familyVariable('ADDR');
  const options: GivenVaultOptions = {
    address,
    ...proxyOf(familyVariable('PROXY_ADDR'), address, environment),
    namespace: familyVariable('NAMESPACE'),
    mount: familyVariable('MOUNT_NAME'),
    pathPrefix: familyVariable('PATH_PREFIX'),
    auth: authOf(family, familyVariable),
    tls: withoutUndefined({
      caFile:
        familyVariable('CACERT') ?? (hasNoAuthority(family) ? variable('VAULT_CACERT') : undefined),
      certFile: familyVariable('CLIENT_CERT'),
      keyFile: familyVariable('CLIENT_KEY'),
    }),
  };
  return {
    ...withoutUndefined(options),
    [ENVIRONMENT_PROBLEMS]: mixtureProblems(family, variable),
  };
}

function findFamily(variable: (name: string) => string | undefined): Family {
  const isSet = (family: Family) => NAMES.some((name) => variable(`${family}${name}`));
  const withAddress = FAMILIES.find((family) => variable(`${family}ADDR`));
  return withAddress ?? FAMILIES.find(isSet) ?? FAMILIES[0];
}

/**
 * Returns whether `VAULT_CACERT` applies to the family. LiteLLM has no own variable for the certificate authority.
 */
function hasNoAuthority(family: Family): boolean {
  return family === 'HCP_VAULT_';
}

/** Returns one problem for each other family whose variables differ from the family in use. */
function mixtureProblems(family: Family, variable: (name: string) => string | undefined): string[] {
  return FAMILIES.filter((other) => other !== family).flatMap((other) => {
    const mixed = NAMES.map((name) => `${other}${name}`).filter((name, at) => {
      const isAuthority = name === 'VAULT_CACERT' && hasNoAuthority(family);
      return (
        !isAuthority && ![undefined, variable(`${family}${NAMES[at]}`)].includes(variable(name))
      );
    });
    if (mixed.length === 0) return [];
    return [
      `the environment has ${mixed.join(', ')} beside variables of ${family}*: they do not mix. Unset those of one family`,
    ];
  });
}

/** Returns the proxy options. The variable of the server's own tools wins, and `NO_PROXY` does not apply to it. */
function proxyOf(
  own: string | undefined,
  address: string | undefined,
  environment: Environment,
): GivenVaultOptions {
  return own === undefined
    ? proxyFromEnvironment(environment, address)
    : { proxy: withScheme(own) };
}

/** Returns the login in LiteLLM's order: AppRole, certificate, token. */
function authOf(
  family: Family,
  familyVariable: (name: string) => string | undefined,
): VaultAuth | undefined {
  const isOfLiteLlm = family === 'HCP_VAULT_';
  const roleId = familyVariable(isOfLiteLlm ? 'APPROLE_ROLE_ID' : 'ROLE_ID');
  const secretId = familyVariable(isOfLiteLlm ? 'APPROLE_SECRET_ID' : 'SECRET_ID');
  if (roleId && secretId) {
    const mount = isOfLiteLlm ? familyVariable('APPROLE_MOUNT_PATH') : undefined;
    return { method: 'approle', roleId, secretId, mount };
  }
  if (isOfLiteLlm && familyVariable('CLIENT_CERT') && familyVariable('CLIENT_KEY')) {
    return { method: 'cert', name: familyVariable('CERT_ROLE') };
  }
  const token = familyVariable('TOKEN');
  return token === undefined ? undefined : { method: 'token', token };
}
