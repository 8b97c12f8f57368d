export type { VaultParams } from './options/vault-call';
export type {
  KvVersion,
  VaultAuth,
  VaultSecretManagerOptions,
  VaultServerOptions,
  VaultTls,
} from './options/vault.options';
export { VaultSecretManager } from './vault.secret-manager';
export type { VaultServerState } from './wire/vault-health';
