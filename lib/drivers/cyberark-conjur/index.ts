export type { TlsOptions } from '../http/tls/tls-options';
export type { ConjurAuth, ConjurSecretManagerOptions } from './conjur.options';
export { ConjurSecretManager } from './conjur.secret-manager';
