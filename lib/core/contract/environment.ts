import { types } from 'node:util';
import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';
import { kindOf, quoteName } from '../errors/wording';

/** Where a fallback looks: a `ConfigService`, or a record such as `process.env`. */
export type Environment =
  { get(name: string): unknown } | Readonly<Record<string, string | undefined>>;

/**
 * Returns the value that the environment holds under a name, or `undefined`; `""` is a value. A boolean or a finite number, as
 * a configuration that was converted holds them, counts as its text. Throws `MALFORMED` for anything else, and `MISCONFIGURED`
 * if the environment itself throws, without its text.
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
  if (types.isPromise(value)) value.catch(() => undefined); // its text must not come out as an unhandled rejection
  throw new SecretManagerError(
    'MALFORMED',
    `The environment holds ${kindOf(value)} under ${quoteName(secretName)}. Only strings, booleans and finite numbers are secrets: give it as a string.`,
    { ...context, secretName },
  );
}

function lookUp(environment: Environment, secretName: string, context: OperationContext): unknown {
  try {
    if (isConfigService(environment)) {
      return leadsIntoPrototypes(secretName) ? undefined : environment.get(secretName);
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

/** To a `ConfigService` a name with dots is a path, and `constructor.name` a path that every object has. */
function leadsIntoPrototypes(secretName: string): boolean {
  const steps = secretName.split(/[.[\]]+/);
  return steps.length > 1 && steps.some((step) => step in Object.prototype);
}

/** `toString` and `__proto__` are ordinary names; a look-up by path finds every object's own of that name. */
function isInherited(value: unknown, secretName: string): boolean {
  return value === Object.prototype || value === Reflect.get(Object.prototype, secretName);
}
