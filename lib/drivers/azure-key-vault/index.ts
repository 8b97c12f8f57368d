export type { MapName } from '../http/options/mapped-names';
export { AzureKeyVaultSecretManager } from './azure-key-vault.secret-manager';
export type {
  AzureAccessToken,
  AzureAuth,
  AzureCredential,
  AzureKeyVaultSecretManagerOptions,
} from './options/azure.options';
