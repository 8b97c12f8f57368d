import type { GivenVaultOptions, VaultAuth } from './vault.options';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Options from the variables of HashiCorp Vault's own tools (`VAULT_ADDR`, ...), of OpenBao's (`BAO_ADDR`, ...) and of
 * LiteLLM (`HCP_VAULT_ADDR`, ...). An empty variable counts as unset.
 */
export function optionsFromEnvironment(
  environment: Environment,
  givenAddress?: string,
): GivenVaultOptions {
  const variable = (...names: readonly string[]): string | undefined =>
    names.map((name) => environment[name]).find((value) => value !== undefined && value !== '');
  const any = (name: string): string | undefined =>
    variable(`VAULT_${name}`, `BAO_${name}`, `HCP_VAULT_${name}`);
  const address = givenAddress ?? any('ADDR');
  return withoutUndefined({
    address,
    ...proxyOf(any('PROXY_ADDR'), address, variable),
    namespace: any('NAMESPACE'),
    mount: any('MOUNT_NAME'),
    pathPrefix: any('PATH_PREFIX'),
    auth: authOf(variable, any),
    tls: withoutUndefined({
      caFile: any('CACERT'),
      certFile: any('CLIENT_CERT'),
      keyFile: any('CLIENT_KEY'),
    }),
  });
}

/** The proxy of the server's own tools goes first, and `NO_PROXY` does not apply to it. */
function proxyOf(
  own: string | undefined,
  address: string | undefined,
  variable: (...names: string[]) => string | undefined,
): GivenVaultOptions {
  if (own !== undefined) return { proxy: withScheme(own) };
  const names = /^http:/i.test(address ?? '')
    ? ['http_proxy', 'HTTP_PROXY']
    : ['https_proxy', 'HTTPS_PROXY'];
  const proxy = variable(...names);
  return proxy === undefined
    ? {}
    : { proxy: withScheme(proxy), noProxy: variable('no_proxy', 'NO_PROXY') };
}

/** Other tools take `proxy.example:3128`, too. */
function withScheme(proxy: string): string {
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** In LiteLLM's order: AppRole, certificate, token. */
function authOf(
  variable: (...names: string[]) => string | undefined,
  any: (name: string) => string | undefined,
): VaultAuth | undefined {
  const roleId = variable('HCP_VAULT_APPROLE_ROLE_ID', 'VAULT_ROLE_ID');
  const secretId = variable('HCP_VAULT_APPROLE_SECRET_ID', 'VAULT_SECRET_ID');
  if (roleId && secretId) {
    const mount = variable('HCP_VAULT_APPROLE_MOUNT_PATH');
    return { method: 'approle', roleId, secretId, mount };
  }
  if (variable('HCP_VAULT_CLIENT_CERT') && variable('HCP_VAULT_CLIENT_KEY')) {
    return { method: 'cert', name: variable('HCP_VAULT_CERT_ROLE') };
  }
  const token = any('TOKEN');
  return token === undefined ? undefined : { method: 'token', token };
}

function withoutUndefined<Options extends object>(options: Options): Options {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Options;
}
