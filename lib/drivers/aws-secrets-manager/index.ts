export type { AwsConnection } from '../aws/connection/connection';
export { AwsSecretManager, type AwsSecretManagerOptions } from './aws.secret-manager';
export type { AwsClientOptions } from './sdk/client';
