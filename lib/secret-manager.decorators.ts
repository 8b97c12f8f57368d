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
  const token = getSecretToken(secretName, managerName);
  const inject = Inject(token);
  return (target: object, key: string | symbol | undefined, index?: number): void => {
    if (index !== undefined) inject(target, key, index);
    else if (key !== undefined) inject(target, key);
    const type = typeof target === 'function' ? target : target.constructor;
    Reflect.defineMetadata(HANDLES, [...injectedHandles(type), token], type);
  };
}

/**
 * Calls the method once for each change of the secrets, as `Secret.onChange` does, from the bootstrap of the
 * application to its shutdown. The method gets the `SecretChange`, never the value.
 *
 * The provider or controller must be static: with a request-scoped or transient one the application does not
 * start (`MISCONFIGURED`). A secret may be missing at first.
 */
export function OnSecretChange(
  names: string | readonly string[],
  { managerName }: { readonly managerName?: string } = {},
): MethodDecorator {
  return declareChangeListener({ names: [names].flat(), managerName });
}

/** Returns the tokens of the handles that a class injects by {@link InjectSecret}. */
export function injectedHandles(type: object): readonly unknown[] {
  return (Reflect.getMetadata(HANDLES, type) ?? []) as readonly unknown[];
}

const HANDLES = 'nestjs-custom-secret-manager: injected handles';
