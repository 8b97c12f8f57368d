export type {
  GoogleAuth,
  GoogleEnvironment,
  GoogleToken,
  GoogleTokenSource,
} from '../google/credentials/google-auth';
export type { GoogleConnectionOptions } from '../google/google-connection';
export type { MapName } from '../http/options/mapped-names';
export type { ConnectionSettings } from '../http/options/option-rules';
export { GoogleSecretManager } from './google.secret-manager';
export type { GoogleReplication, GoogleSecretManagerOptions } from './options/google.options';
