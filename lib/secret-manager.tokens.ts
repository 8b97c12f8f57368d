import type { InjectionToken } from '@nestjs/common';
import { copiesOf } from './core/contract/package-copies';
import { quoteName } from './core/errors/wording';
import { canonicalSecretName } from './core/validation/secret-name';
import { SecretsService } from './service/secrets.service';
import { VirtualKeysService } from './virtual-keys/virtual-keys.service';

/** The name of the manager that is registered without one. */
export const DEFAULT_MANAGER = 'default';

/** The token of the team's own manager, without any policy. Override it in a test to replace the store. */
export const SECRET_MANAGER = 'SECRET_MANAGER';

/** Returns the token of the manager that is registered by `name`. */
export function getSecretManagerToken(name = DEFAULT_MANAGER): string {
  return name === DEFAULT_MANAGER ? SECRET_MANAGER : `the manager of ${rootOf(name)}`;
}

/** Returns the token of the `SecretsService` over the manager that is registered by `name`. */
export function getSecretsServiceToken(name = DEFAULT_MANAGER): typeof SecretsService | string {
  return name === DEFAULT_MANAGER ? SecretsService : `SecretsService of ${rootOf(name)}`;
}

/** Returns the token of the `VirtualKeysService` over the manager that is registered by `name`. */
export function getVirtualKeysServiceToken(
  name = DEFAULT_MANAGER,
): typeof VirtualKeysService | string {
  return name === DEFAULT_MANAGER ? VirtualKeysService : `VirtualKeysService of ${rootOf(name)}`;
}

/** Returns the token of a live handle from `forFeature`. */
export function getSecretToken(secretName: string, managerName = DEFAULT_MANAGER): string {
  return `${FEATURE}${JSON.stringify(canonicalSecretName(secretName))}${endOfFeature(managerName)}`;
}

/**
 * Returns the token of the instance of a class with `@SecretValue`, over the manager that is registered by `name`.
 * The class is a token, too. It is ambiguous in a module that has it over two managers.
 */
export function getSecretsOfToken(type: object, managerName = DEFAULT_MANAGER): symbol {
  const tokens = (Reflect.getOwnMetadata(TOKENS, type) ?? {}) as Record<string, symbol>;
  const known = Object.hasOwn(tokens, managerName) ? tokens[managerName] : undefined;
  if (known !== undefined) return known;
  const { name } = type as { readonly name?: string };
  const token = Symbol(`SecretManagerModule.forFeature(${name}${endOfFeature(managerName, '')}`);
  Reflect.defineMetadata(TOKENS, { ...tokens, [managerName]: token }, type);
  return token;
}

/**
 * Returns all tokens of the `SecretsService` over a manager. In every copy of this package the class is a token
 * by itself.
 */
export function secretsServiceTokens(name = DEFAULT_MANAGER): readonly InjectionToken[] {
  const own = getSecretsServiceToken(name);
  return typeof own === 'string' ? [own] : [...copiesOf('SecretsService')];
}

/** Returns all tokens of the `VirtualKeysService` over a manager. See {@link secretsServiceTokens}. */
export function virtualKeysServiceTokens(name = DEFAULT_MANAGER): readonly InjectionToken[] {
  const own = getVirtualKeysServiceToken(name);
  return typeof own === 'string' ? [own] : [...copiesOf('VirtualKeysService')];
}

/**
 * Returns the token of a registration, by which other modules find its services. A registration is always
 * global.
 */
export function getRegistrationToken(name = DEFAULT_MANAGER): string {
  return `${REGISTRATION}${name}`;
}

/** Returns the names of all registrations of an application, one entry per registration. */
export function registeredNames(
  modules: Iterable<{ readonly providers: ReadonlyMap<unknown, unknown> }>,
): string[] {
  return [...modules]
    .flatMap(({ providers }) => [...providers.keys()])
    .filter((token) => typeof token === 'string' && token.startsWith(REGISTRATION))
    .map((token) => String(token).slice(REGISTRATION.length));
}

/** Returns the end of a sentence about a manager that is missing: the registered names. Empty without any. */
export function registeredHint(names: readonly string[]): string {
  if (names.length === 0) return '';
  return `, or give \`managerName\`: registered are ${names.map(quoteName).join(', ')}`;
}

/** Returns whether a token is that of a handle over the manager that is registered by `name`. */
export function isSecretOf(token: unknown, name = DEFAULT_MANAGER): token is string {
  if (typeof token !== 'string') return false;
  return token.startsWith(FEATURE) && token.endsWith(endOfFeature(name));
}

/** The token of the options of one registration, as given. */
export const SECRET_MANAGER_OPTIONS = 'SECRET_MANAGER_OPTIONS';

const REGISTRATION = 'SecretManager registration of ';
const TOKENS = 'nestjs-custom-secret-manager: tokens by manager';
/** Starts the token of a handle. Nest prints a missing token, so the token names its provider. */
const FEATURE = 'SecretManagerModule.forFeature([';

function rootOf(name: string): string {
  return `SecretManagerModule.forRoot({ name: ${JSON.stringify(name)} })`;
}

function endOfFeature(managerName: string, bracket = ']'): string {
  const isDefault = managerName === DEFAULT_MANAGER;
  const options = isDefault ? '' : `, { managerName: ${JSON.stringify(managerName)} }`;
  return `${bracket}${options})`;
}
