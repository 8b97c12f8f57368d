export {
  EncryptedFileSecretManager,
  type EncryptedFileSecretManagerOptions,
  type ListedSecret,
} from './encrypted-file.secret-manager';
export type { KeyOptions } from './keys/key-source';
