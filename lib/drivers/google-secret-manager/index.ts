export type {
  GoogleAuth,
  GoogleEnvironment,
  GoogleToken,
  GoogleTokenSource,
} from '../google/google-auth';
export type { GoogleConnectionOptions } from '../google/google-connection';
export type { MapName } from '../http/mapped-names';
export type { ConnectionSettings } from '../http/option-rules';
export { GoogleSecretManager } from './google.secret-manager';
export type { GoogleReplication, GoogleSecretManagerOptions } from './options/google.options';
