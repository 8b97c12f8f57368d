import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import type { Secret } from '../core/contract/secret';
import type { SecretChangeListener } from '../core/contract/secret-change';
import { attempt, read } from '../core/errors/safe-access';
import { quoteName } from '../core/errors/wording';
import { parseSecretName } from '../core/validation/secret-name';
import { misconfigured } from './misconfigured';
import { DEFAULT_MANAGER, registeredNames } from '../secret-manager.tokens';
import type { SecretsService } from '../service/secrets.service';
import type { SecretsClass } from '../typed/secret-value';
import type { TypedSecrets } from '../typed/typed-secrets';

const LISTENERS = Symbol.for('nestjs-custom-secret-manager/change-listeners');

/** A class with `@SecretValue`, and one of its fields. */
export type SecretFieldReference<Type extends SecretsClass = SecretsClass> = readonly [
  type: Type,
  field: keyof InstanceType<Type> & string,
];

/** The arguments of one `@OnSecretChange`. */
interface DeclaredListener {
  readonly names: readonly string[];
  readonly field: SecretFieldReference | undefined;
  readonly managerName: string | undefined;
}

/** A method with `@OnSecretChange`, and all its declarations. */
interface FoundListener {
  readonly instance: object;
  readonly method: string;
  readonly declarations: readonly DeclaredListener[];
  /** `true` if the application has one instance from its start to its end. */
  readonly isStatic: boolean;
}

/** Returns a decorator that declares the method as a listener, in addition to its other declarations. */
export function declareChangeListener(
  secrets: string | readonly string[] | SecretFieldReference,
  managerName: string | undefined,
): MethodDecorator {
  const isField = Array.isArray(secrets) && typeof secrets[0] === 'function';
  const declared: DeclaredListener = {
    names: isField ? [] : ([secrets].flat() as string[]),
    field: isField ? (secrets as unknown as SecretFieldReference) : undefined,
    managerName,
  };
  return (target, method, descriptor: PropertyDescriptor | undefined) => {
    const listener: unknown = descriptor?.value;
    const isFound = typeof target === 'object' && typeof method === 'string';
    if (!isFound || typeof listener !== 'function') {
      throw misconfigured(
        'onChange',
        `@OnSecretChange on ${String(method)} needs a method of the instances, with a name that is a string.`,
      );
    }
    const all = [...declarationsOf(listener), declared];
    Object.defineProperty(listener, LISTENERS, { value: all, configurable: true });
  };
}

/**
 * Subscribes the methods with `@OnSecretChange` to the secrets of one registration. Throws `MISCONFIGURED` for a
 * provider that is not static, and for a `managerName` that is not registered.
 */
export function subscribeListeners(
  modules: ModulesContainer,
  { secrets, typed }: { readonly secrets: SecretsService; readonly typed: TypedSecrets },
  managerName = DEFAULT_MANAGER,
): void {
  const registered = registeredNames(modules.values());
  const listeners = [...findListeners(modules)];
  for (const listener of listeners) assertUsable(listener, registered);
  for (const { instance, method, declarations } of listeners) {
    const own = declarations.filter((one) => (one.managerName ?? DEFAULT_MANAGER) === managerName);
    const listen: SecretChangeListener = (change) =>
      (instance as Record<string, SecretChangeListener>)[method]?.(change);
    const named = own.flatMap(({ names }) => names.map((name) => secrets.secret(name)));
    const handles = new Map<unknown, Secret<unknown>>(named.map((handle) => [handle.name, handle]));
    for (const { field } of own) {
      const handle = field && typed.handleOf(...field);
      if (handle !== undefined) handles.set(handle, handle);
    }
    for (const handle of handles.values()) handle.onChange(listen);
  }
}

/** Finds the declared methods of all providers and controllers. An instance with two tokens counts once. */
function* findListeners(modules: ModulesContainer): Iterable<FoundListener> {
  const scanner = new MetadataScanner();
  const scanned = new Set<object>();
  for (const { providers, controllers } of modules.values()) {
    for (const wrapper of [...providers.values(), ...controllers.values()]) {
      const instance: unknown = wrapper.instance;
      if (typeof instance !== 'object' || instance === null || scanned.has(instance)) continue;
      scanned.add(instance);
      const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      for (const method of methodsOf(instance, scanner)) {
        const declarations = declarationsOf(read(instance, method));
        if (declarations.length > 0) yield { instance, method, declarations, isStatic };
      }
    }
  }
}

function methodsOf(instance: object, scanner: MetadataScanner): readonly string[] {
  const prototypeOf = (): object => Object.getPrototypeOf(instance) as object;
  return attempt(() => scanner.getAllMethodNames(prototypeOf())) ?? []; // a proxy may throw
}

function declarationsOf(method: unknown): readonly DeclaredListener[] {
  const declared = read(method, LISTENERS);
  return Array.isArray(declared) ? (declared as DeclaredListener[]) : []; // a mock has every property
}

function assertUsable(
  { instance, method, declarations, isStatic }: FoundListener,
  registered: readonly string[],
): void {
  const where = `@OnSecretChange on ${instance.constructor.name}.${method}()`;
  if (!isStatic) {
    throw misconfigured(
      'onChange',
      `${where} needs a provider that lives as long as the application, and it is request-scoped or transient. ` +
        'Move the method to a provider with the default scope.',
    );
  }
  for (const { names, managerName = DEFAULT_MANAGER } of declarations) {
    for (const name of names) parseSecretName(name, { manager: 'unknown', operation: 'onChange' });
    if (registered.includes(managerName)) continue;
    throw misconfigured(
      'onChange',
      `${where} names the manager ${quoteName(managerName)}, and registered are ${registered.map(quoteName).join(', ')}. ` +
        'Give `managerName` one of these.',
    );
  }
}
