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
  const token = getSecretToken(secretName, managerName);
  const inject = Inject(token);
  return (target: object, key: string | symbol | undefined, index?: number): void => {
    if (index !== undefined) inject(target, key, index);
    else if (key !== undefined) inject(target, key);
    const type = typeof target === 'function' ? target : target.constructor;
    Reflect.defineMetadata(HANDLES, [...injectedHandles(type), token], type);
  };
}

/** Returns the tokens of the handles that a class injects by {@link InjectSecret}. */
export function injectedHandles(type: object): readonly unknown[] {
  return (Reflect.getMetadata(HANDLES, type) ?? []) as readonly unknown[];
}

const HANDLES = 'nestjs-custom-secret-manager: injected handles';
