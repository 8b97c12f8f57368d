export {
  EncryptedFileSecretManager,
  type EncryptedFileSecretManagerOptions,
} from './encrypted-file.secret-manager';
export type { KeyOptions } from './key-source';
