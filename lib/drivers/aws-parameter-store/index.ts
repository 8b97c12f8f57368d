export type { AwsConnection } from '../aws/connection/connection';
export type {
  AwsParameterStoreSecretManagerOptions,
  ParameterTier,
} from './options/parameter-store.options';
export { AwsParameterStoreSecretManager } from './parameter-store.secret-manager';
