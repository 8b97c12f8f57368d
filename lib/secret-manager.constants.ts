import { canonicalSecretName } from './core/secret-name';
import { SecretsService } from './secrets.service';
import { VirtualKeysService } from './virtual-keys/virtual-keys.service';

/** The name of the manager that is registered without one. */
export const DEFAULT_MANAGER = 'default';

/** Injects the team's own manager, as it is, without any policy. Override it in a test to swap the store. */
export const SECRET_MANAGER = 'SECRET_MANAGER';

/** The token of a manager that is registered by `name`. */
export function getSecretManagerToken(name = DEFAULT_MANAGER): string {
  return name === DEFAULT_MANAGER ? SECRET_MANAGER : `SecretManager(${name})`;
}

/** The token of the service over the manager that is registered by `name`. */
export function getSecretsServiceToken(name = DEFAULT_MANAGER): typeof SecretsService | string {
  return name === DEFAULT_MANAGER ? SecretsService : `SecretsService(${name})`;
}

/** The token of the virtual keys in the store of the manager that is registered by `name`. */
export function getVirtualKeysServiceToken(
  name = DEFAULT_MANAGER,
): typeof VirtualKeysService | string {
  return name === DEFAULT_MANAGER ? VirtualKeysService : `VirtualKeysService(${name})`;
}

/** The token of a live handle that `forFeature` provides. No secret's name has a backslash, so no two are alike. */
export function getSecretToken(secretName: string, managerName = DEFAULT_MANAGER): string {
  const name = canonicalSecretName(secretName);
  return managerName === DEFAULT_MANAGER ? `Secret(${name})` : `Secret(${managerName}\\${name})`;
}

/** By what everything that is made from one manager is found, wherever the root is: it is always global. */
export function getRegistrationToken(name = DEFAULT_MANAGER): string {
  return `SecretManager registration(${name})`;
}

/** Whether what the token stands for is built from the manager that is registered by `name`. */
export function isBuiltFromManager(token: unknown, name = DEFAULT_MANAGER): boolean {
  const secrets = getSecretToken('', name).slice(0, -1);
  const isSecret =
    typeof token === 'string' &&
    token.startsWith(secrets) &&
    token.includes('\\') === secrets.includes('\\');
  return (
    isSecret ||
    token === getSecretsServiceToken(name) ||
    token === getVirtualKeysServiceToken(name) ||
    token === getRegistrationToken(name)
  );
}

/** The options of one registration, as they were given. */
export const SECRET_MANAGER_OPTIONS = 'SECRET_MANAGER_OPTIONS';
