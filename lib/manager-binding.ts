import type { FactoryProvider, Provider, Type } from '@nestjs/common';
import { isCustomSecretManager, type CustomSecretManager } from './core/custom-secret-manager';
import { SecretManagerError } from './core/secret-manager.error';
import { kindOf } from './core/secret-name';

/**
 * How the team's manager comes about: a class that Nest constructs with its own injections, or one of Nest's other ways. What
 * is bound by `useExisting` or `useValue` belongs to somebody else, and is not closed at shutdown.
 */
export type ManagerBinding =
  | Type<CustomSecretManager>
  | { readonly useClass: Type<CustomSecretManager> }
  | { readonly useExisting: FactoryProvider['provide'] }
  | {
      readonly useFactory: FactoryProvider<CustomSecretManager>['useFactory'];
      readonly inject?: FactoryProvider['inject'];
    }
  | { readonly useValue: CustomSecretManager };

/** Throws `MISCONFIGURED`, where the module is declared, unless the binding can give a manager. */
export function assertBinding(
  binding: unknown,
  isBuiltFromIt: (token: unknown) => boolean,
): asserts binding is ManagerBinding {
  const problem = bindingProblem(binding) ?? circularProblem(binding, isBuiltFromIt);
  if (problem === undefined) return;
  throw new SecretManagerError('MISCONFIGURED', `SecretManagerModule: ${problem}.`, {
    manager: 'unknown',
    operation: 'forRoot',
  });
}

export function toProvider(provide: string, binding: ManagerBinding): Provider {
  return typeof binding === 'function'
    ? { provide, useClass: binding }
    : ({ provide, ...binding } as Provider);
}

/** Whether the manager ends with the registration. */
export function isOwned(binding: ManagerBinding): boolean {
  return !('useExisting' in binding || 'useValue' in binding);
}

function bindingProblem(binding: unknown): string | undefined {
  if (binding === undefined || binding === null) {
    return 'no manager is given. Name the class: forRoot({ manager: YourSecretManager })';
  }
  if (typeof binding === 'function') return classProblem(binding);
  if (typeof binding !== 'object') return `the manager must be a class, and is ${kindOf(binding)}`;
  if (isCustomSecretManager(binding)) {
    return 'the manager is an instance. Give the class, or { useValue: instance }';
  }
  if ('useClass' in binding) return classProblem(binding.useClass);
  if ('useValue' in binding) return valueProblem(binding.useValue);
  if ('useExisting' in binding || 'useFactory' in binding) return undefined;
  return 'the manager must be a class, or have one of useClass, useExisting, useFactory, useValue';
}

function classProblem(candidate: unknown): string | undefined {
  if (typeof candidate === 'function' && isCustomSecretManager(candidate.prototype))
    return undefined;
  const name = typeof candidate === 'function' ? candidate.name : kindOf(candidate);
  return `${name || 'the manager'} does not extend CustomSecretManager. Extend it and implement readSecret()`;
}

function valueProblem(candidate: unknown): string | undefined {
  if (isCustomSecretManager(candidate)) return undefined;
  return `useValue is ${kindOf(candidate)}, and must be an instance of a class that extends CustomSecretManager`;
}

/** A manager that injects what is built from it would wait for itself. */
function circularProblem(
  binding: unknown,
  isBuiltFromIt: (token: unknown) => boolean,
): string | undefined {
  const { useClass = binding, inject } = binding as { useClass?: unknown; inject?: unknown[] };
  const tokens = [...(inject ?? []), ...injectionsOf(useClass)].map(toToken);
  if (!tokens.some(isBuiltFromIt)) return undefined;
  const name = typeof useClass === 'function' ? useClass.name : 'the manager';
  return `${name} injects SecretsService or one of its secrets, which are built from it. Read what the manager itself needs, its address and its token, from ConfigService`;
}

/** What Nest is going to inject into a class, by the metadata that its decorators left. */
function injectionsOf(type: unknown): unknown[] {
  if (typeof type !== 'function') return [];
  const metadata = (key: string): unknown[] => (Reflect.getMetadata(key, type) ?? []) as unknown[];
  const named = metadata('self:paramtypes') as { index: number; param: unknown }[];
  const properties = metadata('self:properties_metadata') as { type: unknown }[];
  const parameters = metadata('design:paramtypes').filter(
    (_, index) => !named.some((parameter) => parameter.index === index),
  );
  return [
    ...parameters,
    ...named.map(({ param }) => param),
    ...properties.map((property) => property.type),
  ];
}

function toToken(injection: unknown): unknown {
  if (typeof injection !== 'object' || injection === null) return injection;
  const { token, forwardRef } = injection as { token?: unknown; forwardRef?: () => unknown };
  return token ?? forwardRef?.();
}
