import { attempt } from '../errors/safe-access';
import { quoteName } from '../errors/wording';

/** The deepest nesting of options. */
const MAX_DEPTH = 3;

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
  const fields = attempt(() => Object.keys(given));
  if (fields === undefined) problems.push(`${path || 'the options'} could not be read`);
  return fields ?? [];
}

/** Returns a copy of an option that consists of plain objects and lists, read as in {@link readFields}. */
export function copyOption(value: unknown, path: string, problems: string[], depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth === MAX_DEPTH) return value;
  const list = attempt(() => (Array.isArray(value) ? Array.from<unknown>(value) : undefined));
  if (list !== undefined) {
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
