import type { RegistrationFacts } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { listed, type Rule } from '../../../core/validation/option-rules';
import { assertSecretName } from '../../../core/validation/secret-name';

/** The way from the name of a secret to its name in the store. `dashes` turns `_`, `/` and `.` into `-`. */
export type MapName = 'dashes' | ((secretName: string) => string);

export interface StoredNameRules {
  readonly mapName?: MapName;
  /** Matches every name that the store can have. */
  readonly pattern: RegExp;
  /** The rule in words, as in `has 1 to 127 letters, digits and dashes`. */
  readonly demand: string;
  /** `true` if two names that differ in case only are one secret. */
  readonly ignoresCase?: boolean;
}

export const mapNameRule: Rule = (given) =>
  given === undefined || given === 'dashes' || typeof given === 'function'
    ? undefined
    : 'must be "dashes" or a function from a name to the name in the store';

/** The names of secrets in a store with stricter rules for names. */
export class MappedNames {
  readonly #rules: StoredNameRules;

  constructor(rules: StoredNameRules) {
    this.#rules = rules;
  }

  /** Returns the name in the store. Throws `INVALID_ARGUMENT` for a name that the store cannot have. */
  toStored(secretName: string): string {
    assertSecretName(secretName);
    const stored = this.storedOf(secretName);
    if (stored !== undefined) return stored;
    throw new SecretManagerError('INVALID_ARGUMENT', `${this.problemOf(secretName)}.`, {
      secretName,
    });
  }

  /**
   * Throws `MISCONFIGURED` with every name of the registration that the store cannot have, and every two names that are
   * one secret there.
   */
  assertDistinct({ secretNames, virtualKeyPrefix }: RegistrationFacts): void {
    const found = new Map<string, { readonly name: string; readonly stored: string }>();
    const problems: string[] = [];
    for (const name of secretNames) {
      const stored = this.storedOf(name);
      if (stored === undefined) {
        problems.push(this.problemOf(name));
        continue;
      }
      const key = this.#rules.ignoresCase ? stored.toLowerCase() : stored;
      const other = found.get(key);
      if (other !== undefined && other.name !== name) problems.push(meeting(other, name));
      found.set(key, { name, stored });
    }
    const virtualKey = virtualKeyPrefix === undefined ? undefined : `${virtualKeyPrefix}key`;
    if (virtualKey !== undefined && this.storedOf(virtualKey) === undefined) {
      problems.push(
        `Virtual keys are stored below ${quoteName(virtualKeyPrefix)}: ${this.problemOf(virtualKey)}`,
      );
    }
    if (problems.length > 0) throw new SecretManagerError('MISCONFIGURED', listed(problems));
  }

  private problemOf(secretName: string): string {
    const { mapName, demand } = this.#rules;
    const remedy =
      mapName === undefined
        ? 'Set mapName, for example to "dashes"'
        : 'Check what mapName returns for it';
    return `The store cannot have the name ${quoteName(secretName)}: a name there ${demand}. ${remedy}`;
  }

  /** Returns the name in the store, or `undefined` if the store cannot have it. */
  private storedOf(secretName: string): string | undefined {
    const stored = this.map(secretName);
    return stored !== undefined && this.#rules.pattern.test(stored) ? stored : undefined;
  }

  /** Returns `undefined` if the function of the application fails, or returns no string. */
  private map(secretName: string): string | undefined {
    const { mapName } = this.#rules;
    if (mapName === undefined) return secretName;
    if (mapName === 'dashes') return secretName.replace(/[_/.]/g, '-');
    try {
      const stored: unknown = mapName(secretName);
      if (stored instanceof Promise) stored.catch(() => undefined); // it is no name, and must not end the process
      return typeof stored === 'string' ? stored : undefined;
    } catch {
      return undefined;
    }
  }
}

function meeting(
  { name, stored }: { readonly name: string; readonly stored: string },
  other: string,
): string {
  return `${quoteName(name)} and ${quoteName(other)} are the same secret in the store, ${quoteName(stored)}: rename one of them`;
}
