export {
  CustomSecretManager,
  type DeleteOptions,
  type OperationOptions,
  type SecretAnswer,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from './core/custom-secret-manager';
export type { Environment } from './core/environment';
export { FALLBACKS, type Fallback, type GetOptions } from './core/get-options';
export {
  ACCESS_MODES,
  KeyManagementSettings,
  type AccessMode,
} from './core/key-management-settings';
export { Secret } from './core/secret';
export {
  SECRET_MANAGER_ERROR_CODES,
  SecretManagerError,
  isSecretManagerError,
  type RotationStep,
  type SecretManagerErrorCode,
  type SecretManagerErrorContext,
} from './core/secret-manager.error';
export { StoreResponseError, type StoreResponseErrorOptions } from './core/store-response.error';
export type { ManagerBinding } from './manager-binding';
export type { CacheOptions } from './policies/cache.policy';
export type { CircuitBreakerOptions, CircuitState } from './policies/circuit-breaker.policy';
export type { RetryOptions } from './policies/retry.policy';
export type { SecretInspection } from './policies/secret-cache';
export {
  SECRET_MANAGER,
  getSecretManagerToken,
  getSecretToken,
  getSecretsServiceToken,
  getVirtualKeysServiceToken,
} from './secret-manager.constants';
export { InjectSecret, InjectSecrets } from './secret-manager.decorators';
export { SecretManagerModule } from './secret-manager.module';
export type {
  SecretManagerModuleAsyncOptions,
  SecretManagerModuleExtras,
  SecretManagerModuleRootOptions,
  SecretManagerOptionsFactory,
} from './secret-manager.module-definition';
export type { PreloadedSecret, SecretManagerModuleOptions } from './secret-manager.options';
export type { NextSecret } from './secret-writer';
export { SecretsService, type BooleanGetOptions, type SecretOutcome } from './secrets.service';
export type { VirtualKey } from './virtual-keys/virtual-key-names';
export {
  VirtualKeysService,
  type RotateVirtualKeyOptions,
  type StoredVirtualKey,
  type VerifyOptions,
} from './virtual-keys/virtual-keys.service';
