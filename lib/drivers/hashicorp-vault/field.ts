import { SecretManagerError } from '../../core/secret-manager.error';
import { quoteName } from '../../core/secret-name';

type Fields = Readonly<Record<string, unknown>>;

/**
 * The value of a secret that has fields: the one that was chosen; else `value`, `key`, or the only one; else the JSON of all.
 * A field that is not there, or is `null`, is absent.
 */
export function valueOf(fields: Fields, chosen: string | undefined): string | undefined {
  const field = chosen ?? theField(fields);
  if (field === undefined) return JSON.stringify(fields);
  return Object.hasOwn(fields, field) ? textOf(fields[field], field) : undefined;
}

export function without(fields: Fields, field: string | undefined): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== field));
}

function theField(fields: Fields): string | undefined {
  if (Object.hasOwn(fields, 'value')) return 'value';
  if (Object.hasOwn(fields, 'key')) return 'key';
  const names = Object.keys(fields);
  return names.length === 1 ? names[0] : undefined;
}

function textOf(value: unknown, field: string): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !Number.isInteger(value)) {
    return JSON.stringify(value);
  }
  throw new SecretManagerError(
    'MALFORMED',
    `The field ${quoteName(field)} is a number that is too large to be kept exactly. Store it in quotes.`,
  );
}
