import type { FactoryProvider, Provider, Type } from '@nestjs/common';
import {
  isCustomSecretManager,
  type CustomSecretManager,
} from '../core/contract/custom-secret-manager';
import type { SecretManagerError } from '../core/errors/secret-manager.error';
import { kindOf } from '../core/errors/wording';
import { misconfigured } from './misconfigured';

/**
 * The source of the team's manager: a class that Nest constructs with its injections, or another kind of Nest
 * provider. A manager from `useExisting` or `useValue` is not closed at shutdown, because the registration does
 * not own it.
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

/** Returns the provider of the manager. If the binding has a problem, the provider fails the start with it. */
export function toProvider(
  provide: string,
  binding: ManagerBinding | undefined,
  problem: string | undefined,
): Provider {
  if (binding === undefined || problem !== undefined) {
    return {
      provide,
      useFactory: () => {
        throw registrationError(`${problem}`);
      },
    };
  }
  return typeof binding === 'function'
    ? { provide, useClass: binding }
    : ({ provide, ...binding } as Provider);
}

/** Returns the error of a registration. The problem is a sentence without its full stop. */
export function registrationError(problem: string): SecretManagerError {
  return misconfigured('forRoot', `SecretManagerModule: ${problem}.`);
}

/** Returns the name of a class, or of the class in a provider, for an error. */
export function nameOf(provider: unknown): string {
  const { useClass = provider } = Object(provider) as { readonly useClass?: unknown };
  return typeof useClass === 'function' ? useClass.name : 'the manager';
}

/** Returns whether the manager is closed together with the registration. */
export function isOwned(binding: ManagerBinding | undefined): boolean {
  return binding !== undefined && !('useExisting' in binding || 'useValue' in binding);
}

/** Returns the problem of a registration's name, or `undefined`. */
export function registrationNameProblem(name: unknown): string | undefined {
  if (name === undefined || (typeof name === 'string' && name !== '')) return undefined;
  return `the name of a manager must be a string that is not empty, and is ${name === '' ? 'empty' : kindOf(name)}`;
}

/** Returns the problem of a binding as a sentence without its full stop, or `undefined`. */
export function bindingProblem(binding: unknown): string | undefined {
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
  const name = typeof candidate === 'function' ? candidate.name : kindOf(candidate);
  if (typeof candidate !== 'function' || !isCustomSecretManager(candidate.prototype)) {
    return `${name || 'the manager'} does not extend CustomSecretManager. Extend it and implement readSecret()`;
  }
  return undefined;
}

function valueProblem(candidate: unknown): string | undefined {
  if (isCustomSecretManager(candidate)) return undefined;
  return `useValue is ${kindOf(candidate)}, and must be an instance of a class that extends CustomSecretManager`;
}
