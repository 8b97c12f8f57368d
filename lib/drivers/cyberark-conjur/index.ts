export type { ConjurAuth, ConjurSecretManagerOptions } from './conjur.options';
export { ConjurSecretManager } from './conjur.secret-manager';
