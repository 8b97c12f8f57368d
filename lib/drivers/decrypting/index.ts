export type { AwsConnection } from '../aws/connection/connection';
export type { AwsKmsClient, AwsKmsCredentials, AwsKmsOptions } from './aws-kms/aws-kms.options';
export { awsKms } from './aws-kms';
export type {
  Cipher,
  CipherHooks,
  CipherOptions,
  DecryptFunction,
  Decrypter,
  EncryptFunction,
  Encrypter,
} from './ciphers/cipher';
export type { DecryptingSecretManagerOptions } from './decrypting.options';
export { DecryptingSecretManager } from './decrypting.secret-manager';
export { googleKms } from './google-kms';
export type { GoogleKmsOptions } from './google-kms/google-kms.options';
export { vaultTransit } from './vault-transit';
export type { VaultTransitOptions } from './vault-transit/vault-transit.options';
