export type { VaultServerState } from './vault-health';
export type { VaultParams } from './vault-call';
export type { KvVersion, VaultAuth, VaultSecretManagerOptions, VaultTls } from './vault.options';
export { VaultSecretManager } from './vault.secret-manager';
