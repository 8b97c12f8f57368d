import type { SecretManagerModuleOptions } from 'nestjs-custom-secret-manager';
import {
  VaultSecretManager,
  type VaultSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/hashicorp-vault';
import { startWith, type Started } from '../../support/application';
import type { OpenBao } from './openbao';

const running: VaultSecretManager[] = [];

/** Closes all managers. Call it in `afterEach`. */
export async function closeVaults(): Promise<void> {
  await Promise.all(running.splice(0).map((manager) => manager.close()));
}

/** Returns a manager without the library around it, with the root token by default. */
export function vaultOn(
  { address, rootToken: token }: Pick<OpenBao, 'address' | 'rootToken'>,
  options: Partial<VaultSecretManagerOptions> = {},
): VaultSecretManager {
  const manager = new VaultSecretManager({ address, auth: { method: 'token', token }, ...options });
  running.push(manager);
  return manager;
}

/** Starts an application with such a manager, which may read and write. */
export async function startVaultApp(
  bao: OpenBao,
  vault: Partial<VaultSecretManagerOptions> = {},
  options: SecretManagerModuleOptions = {},
): Promise<Started> {
  const settings = { accessMode: 'read_and_write' } as const;
  return await startWith(vaultOn(bao, vault), { settings, ...options });
}
