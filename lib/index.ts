export {
  CustomSecretManager,
  type DeleteOptions,
  type OperationOptions,
  type RegistrationFacts,
  type SecretAnswer,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from './core/contract/custom-secret-manager';
export type { Environment } from './core/contract/environment';
export type { FleetStatus } from './core/contract/fleet-status';
export { FALLBACKS, type Fallback } from './core/contract/fallback';
export type { BooleanGetOptions, GetOptions } from './core/contract/get-options';
export { Secret } from './core/contract/secret';
export type {
  SecretChange,
  SecretChangeListener,
  SecretChangeSource,
  UseOptions,
} from './core/contract/secret-change';
export {
  SECRET_MANAGER_ERROR_CODES,
  SecretManagerError,
  isSecretManagerError,
  type RotationStep,
  type SecretManagerErrorCode,
  type SecretManagerErrorContext,
} from './core/errors/secret-manager.error';
export {
  StoreResponseError,
  type StoreResponseErrorOptions,
} from './core/errors/store-response.error';
export type { CacheOptions } from './policies/cache/cache-options';
export type { SecretInspection } from './policies/cache/secret-cache';
export type {
  CircuitBreakerOptions,
  CircuitState,
} from './policies/circuit-breaker/circuit-breaker.policy';
export type { RetryOptions } from './policies/retry.policy';
export type { ManagerBinding } from './module/manager-provider';
export {
  InjectSecret,
  InjectSecrets,
  InjectSecretsOf,
  InjectVirtualKeys,
  OnSecretChange,
} from './secret-manager.decorators';
export type { SecretFieldReference } from './module/change-listeners';
export type { FeatureSecret } from './module/feature';
export { SecretManagerModule } from './secret-manager.module';
export type {
  SecretManagerModuleAsyncOptions,
  SecretManagerModuleExtras,
  SecretManagerModuleRootOptions,
  SecretManagerOptionsFactory,
} from './secret-manager.module-definition';
export type { PreloadedSecret, SecretManagerModuleOptions } from './secret-manager.options';
export { ACCESS_MODES, KeyManagementSettings, type AccessMode } from './secret-manager.settings';
export {
  SECRET_MANAGER,
  getSecretManagerToken,
  getSecretToken,
  getSecretsOfToken,
  getSecretsServiceToken,
  getVirtualKeysServiceToken,
} from './secret-manager.tokens';
export type { InvalidateOptions } from './service/changes/change-reports';
export type { SecretOutcome } from './service/reading/many-secrets';
export type { NextSecret } from './service/writing/secret-writer';
export { SecretsService } from './service/secrets.service';
export {
  SecretValue,
  type SecretFieldDecorator,
  type SecretFieldOf,
  type SecretConversions,
  type SecretValueForm,
  type SecretValueOptions,
  type SecretsClass,
} from './typed/secret-value';
export type {
  OutputOf,
  StandardSchema,
  StandardSchemaResult,
} from './typed/conversions/standard-schema';
export type { VirtualKey } from './virtual-keys/virtual-key-names';
export type {
  RotateVirtualKeyOptions,
  StoredVirtualKey,
  VerifyOptions,
} from './virtual-keys/virtual-key-options';
export { VirtualKeysService } from './virtual-keys/virtual-keys.service';
