import { matchesHost } from '../../http/options/hosts';

/** A cloud of Azure: the hosts of its vaults, and its login. */
export interface Cloud {
  readonly vaults: string;
  readonly authorityHost: string;
}

const PUBLIC: Cloud = {
  vaults: 'vault.azure.net',
  authorityHost: 'https://login.microsoftonline.com',
};

const CLOUDS: readonly Cloud[] = [
  PUBLIC,
  { vaults: 'vault.azure.cn', authorityHost: 'https://login.partner.microsoftonline.cn' },
  { vaults: 'vault.usgovcloudapi.net', authorityHost: 'https://login.microsoftonline.us' },
];

/** The host of a vault: one label before the domain of a cloud. */
const LABEL = /^[a-z0-9-]+$/;

/** Returns the cloud of a vault, or `undefined` for a host that is none of Azure. */
function cloudOfVault({ protocol, hostname, port }: URL): Cloud | undefined {
  if (protocol !== 'https:' || port !== '') return undefined;
  const [label = '', ...domain] = hostname.split('.');
  return LABEL.test(label) ? CLOUDS.find(({ vaults }) => vaults === domain.join('.')) : undefined;
}

/** Returns whether tokens may go to the host of a vault. */
export function isTrustedVault(vault: URL, trustedHosts: readonly string[]): boolean {
  return cloudOfVault(vault) !== undefined || trustedHosts.some((host) => matchesHost(host, vault));
}

/** Returns the cloud of a vault. A trusted host is in the cloud of its login service. */
export function cloudOf(vault: URL, authorityHost: string | undefined): Cloud {
  const isLogin = (cloud: Cloud): boolean =>
    authorityHost !== undefined && new URL(authorityHost).origin === cloud.authorityHost;
  return cloudOfVault(vault) ?? CLOUDS.find(isLogin) ?? PUBLIC;
}

/** Returns the resource that a token is for. */
export function resourceOf({ vaults }: Cloud): string {
  return `https://${vaults}`;
}
