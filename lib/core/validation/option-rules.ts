import { attempt } from '../errors/safe-access';
import { SecretManagerError } from '../errors/secret-manager.error';
import { quoteName } from '../errors/wording';

/** The deepest nesting of options. */
const MAX_DEPTH = 3;

/**
 * Returns a problem for each field of `given` that is not one of the `known` options. An unknown option is
 * usually a misspelt one.
 *
 * @param prefix stands before the name, as `cache.`
 */
export function unknownOptions(
  given: object,
  known: readonly string[],
  prefix = '',
): readonly string[] {
  return Object.keys(given)
    .filter((field) => !known.includes(field))
    .map((field) => `${prefix}${quoteName(field)} is not an option; there are ${known.join(', ')}`);
}

/**
 * Returns the fields of an options object, each read once. Adds a problem for each getter that throws, and
 * withholds its error.
 */
export function readFields(
  given: object,
  fields: readonly string[],
  path: string,
  problems: string[],
): Record<string, unknown> {
  return Object.fromEntries(
    fields.map((field) => [field, readField(given, field, path, problems)]),
  );
}

/** Returns the names of the own fields of an options object. */
export function fieldsOf(given: object, path: string, problems: string[]): readonly string[] {
  const fields = attempt(() => Object.keys(given)) as readonly string[] | undefined;
  if (fields === undefined) problems.push(`${path || 'the options'} could not be read`);
  return fields ?? [];
}

/** Returns a copy of an option that consists of plain objects and lists, read as in {@link readFields}. */
export function copyOption(value: unknown, path: string, problems: string[], depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth === MAX_DEPTH) return value;
  const list = attempt(() => (Array.isArray(value) ? Array.from<unknown>(value) : undefined));
  if (Array.isArray(list)) {
    return list.map((item, index) => copyOption(item, `${path}[${index}]`, problems, depth + 1));
  }
  const fields = readFields(value, fieldsOf(value, path, problems), path, problems);
  return Object.fromEntries(
    Object.entries(fields).map(([field, own]) => [
      field,
      copyOption(own, `${path}.${field}`, problems, depth + 1),
    ]),
  );
}

function readField(given: object, field: string, path: string, problems: string[]): unknown {
  try {
    return Reflect.get(given, field);
  } catch {
    const shown = /^\w+$/.test(field) ? field : quoteName(field);
    problems.push(`${path && `${path}.`}${shown} could not be read: its getter threw`);
    return undefined;
  }
}

/** Throws `MISCONFIGURED` with a line for each field of `given` that is not one of the `known` options. */
export function assertKnownOptions(
  className: string,
  given: object,
  known: readonly string[],
): void {
  const problems = unknownOptions(given, known);
  if (problems.length === 0) return;
  const lines = problems.map((problem) => `- ${problem}`).join('\n');
  throw new SecretManagerError(
    'MISCONFIGURED',
    `The options of ${className} are wrong:\n${lines}`,
    { operation: 'constructor' },
  );
}
