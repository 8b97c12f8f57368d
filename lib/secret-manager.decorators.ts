import { Inject } from '@nestjs/common';
import { declareChangeListener, type SecretFieldReference } from './module/change-listeners';
import {
  getSecretToken,
  getSecretsOfToken,
  getSecretsServiceToken,
  getVirtualKeysServiceToken,
} from './secret-manager.tokens';
import type { SecretsClass } from './typed/secret-value';

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
 * Injects the instance of a class with `@SecretValue` over the manager that is registered by `managerName`. With one
 * manager the type of the parameter is enough: `constructor(private readonly database: DatabaseSecrets)`.
 */
export function InjectSecretsOf(
  type: SecretsClass,
  managerName?: string,
): PropertyDecorator & ParameterDecorator {
  return Inject(getSecretsOfToken(type, managerName));
}

/**
 * Calls the method once for each change of the secrets, as `Secret.onChange` does, from the bootstrap of the
 * application to its shutdown. The method gets the `SecretChange`, never the value.
 *
 * The provider or controller must be static: with a request-scoped or transient one the application does not
 * start (`MISCONFIGURED`). A secret may be missing at first.
 *
 * @param secrets a name, a list of names, or a field as `[DatabaseSecrets, 'password']`. A version that the field
 *   refuses is no change.
 */
export function OnSecretChange<Type extends SecretsClass>(
  secrets: string | readonly string[] | SecretFieldReference<Type>,
  { managerName }: { readonly managerName?: string } = {},
): MethodDecorator {
  return declareChangeListener(
    secrets as string | readonly string[] | SecretFieldReference,
    managerName,
  );
}

/** Returns the tokens of the handles that a class injects by {@link InjectSecret}. */
export function injectedHandles(type: object): readonly unknown[] {
  return (Reflect.getMetadata(HANDLES, type) ?? []) as readonly unknown[];
}

const HANDLES = 'nestjs-custom-secret-manager: injected handles';
