import { Scope, type FactoryProvider, type Provider } from '@nestjs/common';
import { INQUIRER, ModuleRef } from '@nestjs/core';
import { read } from '../core/errors/safe-access';
import { registrationError, nameOf } from './manager-provider';
import { injectedHandles } from '../secret-manager.decorators';
import {
  isSecretOf,
  secretsServiceTokens,
  virtualKeysServiceTokens,
} from '../secret-manager.tokens';

/**
 * Returns a provider for each token whose value is built from the manager. Nest finds it before the real one when the
 * manager, or a provider beside it, injects the token. It fails the start, because the two would wait for each other.
 *
 * The providers are transient, so that Nest creates none that is not injected.
 */
export function circleGuards(injecting: readonly unknown[], name?: string): FactoryProvider[] {
  const handles = injecting.flatMap(injectedTokens).filter((token) => isSecretOf(token, name));
  const tokens = [...secretsServiceTokens(name), ...virtualKeysServiceTokens(name), ...handles];
  return tokens.map((provide) => ({
    provide,
    scope: Scope.TRANSIENT,
    inject: [INQUIRER],
    useFactory: (instance: object | undefined) => {
      throw registrationError(circleProblem(instance));
    },
  }));
}

/** Returns the tokens that a factory injects, or a class by `@InjectSecret`. */
function injectedTokens(provider: unknown): unknown[] {
  const { useClass = provider, inject = [] } = Object(provider) as ProviderShape;
  const handles = typeof useClass === 'function' ? injectedHandles(useClass) : [];
  return [...handles, ...inject.map((each) => read(each, 'token') ?? each)];
}

interface ProviderShape {
  readonly useClass?: unknown;
  readonly inject?: readonly unknown[];
}

/**
 * Returns a provider that fails the start if the manager is made for each request. Such a manager has no start at which
 * it could be checked, and no cache.
 */
export function scopeGuard(manager: string, binding: unknown): Provider {
  return {
    provide: Symbol('SecretManager scope'),
    inject: [ModuleRef],
    useFactory: (module: ModuleRef) => ({
      onModuleInit: () => assertMadeOnce(module, manager, binding),
    }),
  };
}

/** Throws `MISCONFIGURED` if the manager is request-scoped or transient, or injects a request-scoped provider. */
export function assertMadeOnce(module: ModuleRef, manager: string, binding: unknown): void {
  if (module.introspect(manager).scope === Scope.DEFAULT) return;
  throw registrationError(
    `${nameOf(binding)} has a scope of its own, or injects what has. A manager is made once: take the scope away`,
  );
}

/**
 * Returns the problem of a manager that waits for itself.
 *
 * @param injecting the instance that injects what is built from the manager; `undefined` for a factory
 */
export function circleProblem(injecting?: object): string {
  return (
    `${nameOf(injecting?.constructor)} injects SecretsService or one of its secrets, which are built from the manager. Read ` +
    'what the manager itself needs, its address and its token, from ConfigService'
  );
}
