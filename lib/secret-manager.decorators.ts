import { Inject } from '@nestjs/common';
import {
  getSecretToken,
  getSecretsServiceToken,
  getVirtualKeysServiceToken,
} from './secret-manager.tokens';

/** Injects the `SecretsService` of the manager that is registered by `name`. */
export function InjectSecrets(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getSecretsServiceToken(name));
}

/** Injects the `VirtualKeysService` of the manager that is registered by `name`. */
export function InjectVirtualKeys(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getVirtualKeysServiceToken(name));
}

/** Injects the live handle that `SecretManagerModule.forFeature([secretName])` provides. */
export function InjectSecret(
  secretName: string,
  managerName?: string,
): PropertyDecorator & ParameterDecorator {
  return Inject(getSecretToken(secretName, managerName));
}
