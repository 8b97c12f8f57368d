import { Inject } from '@nestjs/common';
import { declareChangeListener } from './secret-manager.change-listeners';
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

/**
 * Calls the method once for each change of the secrets, as `Secret.onChange` does, from the bootstrap of the
 * application to its shutdown. The method gets the {@link SecretChange}, never the value.
 *
 * The provider or controller must be static: with a request-scoped or transient one the application does not
 * start (`MISCONFIGURED`). A secret may be missing at first.
 */
export function OnSecretChange(
  names: string | readonly string[],
  { managerName }: { readonly managerName?: string } = {},
): MethodDecorator {
  return declareChangeListener({ names: typeof names === 'string' ? [names] : names, managerName });
}
