import { types } from 'node:util';
import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';
import { kindOf, quoteName } from '../errors/wording';
import type { Fallback } from './fallback';

/** The source of a fallback: a `ConfigService`, or a record such as `process.env`. */
export type Environment =
  { get(name: string): unknown } | Readonly<Record<string, string | undefined>>;

/**
 * The key under which a manager tells that its values come from the environment: `true`, or `encrypted` if the
 * environment holds their ciphertext.
 */
export const READS_ENVIRONMENT: unique symbol = Symbol.for(
  'nestjs-custom-secret-manager/reads the environment',
);

/** Returns whether the values of a manager come from the environment, also those of another copy of this package. */
export function readsEnvironment(manager: object): boolean {
  return [true, 'encrypted'].includes(Reflect.get(manager, READS_ENVIRONMENT) as string | true);
}

/**
 * Returns why the environment must not answer for failures of a manager, as the end of a sentence, or `undefined`. An
 * environment that holds the ciphertext of the secrets would answer with it.
 */
export function fallbackProblem(manager: object, fallback: Fallback): string | undefined {
  const isForAbsences = fallback === 'never' || fallback === 'on-absence';
  if (isForAbsences || Reflect.get(manager, READS_ENVIRONMENT) !== 'encrypted') return undefined;
  return (
    `is "${fallback}", and the environment holds the ciphertext of the secrets, which would be the answer. ` +
    'Set it to "on-absence" or "never"'
  );
}

/**
 * Returns the value that the environment holds under a name, or `undefined`. `""` is a value. A boolean or a
 * finite number counts as its text, because a configuration may have converted it.
 *
 * Throws `MALFORMED` for any other value. Throws `MISCONFIGURED`, without the original text, if the environment
 * itself throws.
 */
export function readEnvironment(
  environment: Environment,
  secretName: string,
  context: OperationContext,
): string | undefined {
  const value = lookUp(environment, secretName, context);
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || Number.isFinite(value)) return String(value);
  if (value === undefined || value === null || isInherited(value, secretName)) return undefined;
  if (types.isPromise(value)) value.catch(() => undefined); // an unhandled rejection would print its text
  throw new SecretManagerError(
    'MALFORMED',
    `The environment holds ${kindOf(value)} under ${quoteName(secretName)}. Only strings, booleans and finite numbers are secrets: give it as a string.`,
    { ...context, secretName },
  );
}

function lookUp(environment: Environment, secretName: string, context: OperationContext): unknown {
  try {
    if (isConfigService(environment)) {
      return readsPrototype(secretName) ? undefined : environment.get(secretName);
    }
    return Object.hasOwn(environment, secretName) ? environment[secretName] : undefined;
  } catch {
    throw new SecretManagerError(
      'MISCONFIGURED',
      `The environment failed to look up ${quoteName(secretName)}. Its own error is withheld; check the \`environment\` option.`,
      { ...context, secretName },
    );
  }
}

function isConfigService(environment: Environment): environment is { get(name: string): unknown } {
  return typeof environment.get === 'function';
}

/**
 * Returns whether a look-up of the name reads a property that every object has. A `ConfigService` takes a name
 * with dots, such as `constructor.name`, for a path.
 */
function readsPrototype(secretName: string): boolean {
  const steps = secretName.split(/[.[\]]+/);
  return steps.length > 1 && steps.some((step) => step in Object.prototype);
}

/** Returns whether the value is the one that every object inherits under that name, such as `toString`. */
function isInherited(value: unknown, secretName: string): boolean {
  return value === Object.prototype || value === Reflect.get(Object.prototype, secretName);
}
