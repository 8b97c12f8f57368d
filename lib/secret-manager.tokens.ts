import type { InjectionToken } from '@nestjs/common';
import { copiesOf } from './core/contract/copies';
import { canonicalSecretName } from './core/validation/secret-name';
import { SecretsService } from './service/secrets.service';
import { VirtualKeysService } from './virtual-keys/virtual-keys.service';

/** The name of the manager that is registered without one. */
export const DEFAULT_MANAGER = 'default';

/** Injects the team's own manager, as it is, without any policy. Override it in a test to swap the store. */
export const SECRET_MANAGER = 'SECRET_MANAGER';

/** The token of a manager that is registered by `name`. */
export function getSecretManagerToken(name = DEFAULT_MANAGER): string {
  return name === DEFAULT_MANAGER ? SECRET_MANAGER : `the manager of ${rootOf(name)}`;
}

/** The token of the service over the manager that is registered by `name`. */
export function getSecretsServiceToken(name = DEFAULT_MANAGER): typeof SecretsService | string {
  return name === DEFAULT_MANAGER ? SecretsService : `SecretsService of ${rootOf(name)}`;
}

/** The token of the virtual keys in the store of the manager that is registered by `name`. */
export function getVirtualKeysServiceToken(
  name = DEFAULT_MANAGER,
): typeof VirtualKeysService | string {
  return name === DEFAULT_MANAGER ? VirtualKeysService : `VirtualKeysService of ${rootOf(name)}`;
}

/** The token of a live handle that `forFeature` provides. */
export function getSecretToken(secretName: string, managerName = DEFAULT_MANAGER): string {
  return `${FEATURE}${JSON.stringify(canonicalSecretName(secretName))}${endOfFeature(managerName)}`;
}

/** Returns all tokens of the service over a manager: a class is a token by itself in every copy of this package. */
export function secretsServiceTokens(name = DEFAULT_MANAGER): readonly InjectionToken[] {
  const own = getSecretsServiceToken(name);
  return typeof own === 'string' ? [own] : [...copiesOf('SecretsService')];
}

/** As {@link secretsServiceTokens}, of the virtual keys. */
export function virtualKeysServiceTokens(name = DEFAULT_MANAGER): readonly InjectionToken[] {
  const own = getVirtualKeysServiceToken(name);
  return typeof own === 'string' ? [own] : [...copiesOf('VirtualKeysService')];
}

/** By what everything that is made from one manager is found, wherever the root is: it is always global. */
export function getRegistrationToken(name = DEFAULT_MANAGER): string {
  return `${REGISTRATION}${name}`;
}

/** Returns the names by which managers are registered in an application, a name as often as it is registered. */
export function registeredNames(
  modules: Iterable<{ readonly providers: ReadonlyMap<unknown, unknown> }>,
): string[] {
  return [...modules]
    .flatMap(({ providers }) => [...providers.keys()])
    .filter((token) => typeof token === 'string' && token.startsWith(REGISTRATION))
    .map((token) => String(token).slice(REGISTRATION.length));
}

/** Whether what the token stands for is built from the manager that is registered by `name`. */
export function isBuiltFromManager(token: unknown, name = DEFAULT_MANAGER): boolean {
  const isSecret =
    typeof token === 'string' && token.startsWith(FEATURE) && token.endsWith(endOfFeature(name));
  return (
    isSecret ||
    token === getRegistrationToken(name) ||
    [...secretsServiceTokens(name), ...virtualKeysServiceTokens(name)].some((one) => one === token)
  );
}

/** The options of one registration, as they were given. */
export const SECRET_MANAGER_OPTIONS = 'SECRET_MANAGER_OPTIONS';

const REGISTRATION = 'SecretManager registration of ';
/** Nest prints a token that it does not find, so that tokens say what provides them. */
const FEATURE = 'SecretManagerModule.forFeature([';

function rootOf(name: string): string {
  return `SecretManagerModule.forRoot({ name: ${JSON.stringify(name)} })`;
}

function endOfFeature(managerName: string): string {
  const isDefault = managerName === DEFAULT_MANAGER;
  return isDefault ? '])' : `], { managerName: ${JSON.stringify(managerName)} })`;
}
