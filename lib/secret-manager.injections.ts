import { Scope, type Provider } from '@nestjs/common';
import { attempt } from './core/errors/safe-access';
import type { ManagerBinding } from './secret-manager.binding';

/**
 * Returns the problem of the manager's injections, direct or through the providers declared beside it, or
 * `undefined`.
 *
 * One problem is a dependency that is built from the manager, because the two would wait for each other. The
 * other is a dependency that is created for each request. Nest itself finds a circle through other modules.
 */
export function injectionProblem(
  binding: ManagerBinding | undefined,
  extraProviders: readonly Provider[],
  isBuiltFromIt: (token: unknown) => boolean,
): string | undefined {
  const providers = new Map(extraProviders.map((provider) => [tokenOf(provider), provider]));
  const reached: unknown[] = [binding];
  for (const provider of reached) {
    if (
      isScoped(provider) ||
      injectionsOf(provider).some((injected) => REQUEST_SCOPED.has(toToken(injected)))
    ) {
      return `${nameOf(binding)} has a scope of its own, or injects what has. A manager is made once: take the scope away`;
    }
    const tokens = injectionsOf(provider).map(toToken);
    if (tokens.some(isBuiltFromIt)) {
      return (
        `${nameOf(provider)} injects SecretsService or one of its secrets, which are built from the manager. Read what the ` +
        'manager itself needs, its address and its token, from ConfigService'
      );
    }
    for (const token of tokens) {
      const next = providers.get(token);
      if (next !== undefined && !reached.includes(next)) reached.push(next);
    }
  }
  return undefined;
}

/** Nest's own tokens of request-scoped values. */
const REQUEST_SCOPED: ReadonlySet<unknown> = new Set(['REQUEST', 'INQUIRER']);

interface ProviderShape {
  readonly provide?: unknown;
  readonly useClass?: unknown;
  readonly useExisting?: unknown;
  readonly inject?: readonly unknown[];
  readonly scope?: Scope;
}

function tokenOf(provider: Provider): unknown {
  return typeof provider === 'function' ? provider : provider.provide;
}

function injectionsOf(provider: unknown): unknown[] {
  if (typeof provider === 'function') return injectionsOfClass(provider);
  const { useClass, useExisting, inject = [] } = provider as ProviderShape;
  const ofClass = typeof useClass === 'function' ? injectionsOfClass(useClass) : [];
  return [...inject, ...ofClass, useExisting];
}

/**
 * Returns whether a provider is request-scoped or transient. Such a manager has no start at which it could be
 * checked, and no cache.
 */
function isScoped(provider: unknown): boolean {
  const { useClass = provider, scope } = Object(provider) as ProviderShape;
  const declared =
    typeof useClass === 'function'
      ? (Reflect.getMetadata('scope:options', useClass) as ProviderShape | undefined)
      : undefined;
  return (scope ?? declared?.scope ?? Scope.DEFAULT) !== Scope.DEFAULT;
}

/** Returns the tokens that Nest injects into a class, from the metadata of its decorators. */
function injectionsOfClass(type: object): unknown[] {
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
  return token === undefined ? attempt(() => forwardRef?.()) : toToken(token); // the class may be declared further down
}

function nameOf(provider: unknown): string {
  const { useClass = provider } = Object(provider) as ProviderShape;
  return typeof useClass === 'function' ? useClass.name : 'the manager';
}
