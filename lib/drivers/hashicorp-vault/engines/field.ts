import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import {
  JsonNumber,
  exactJson,
  isExactNumber,
  significantDigits,
} from '../../../core/validation/exact-json';
import type { VaultCall } from '../options/vault-call';
import { subjectOf } from './engine';

export type Fields = Readonly<Record<string, unknown>>;

/** The number of decimal digits that a JavaScript or Go float always keeps. */
const EXACT_DIGITS = 15;

/**
 * Returns the value of a secret with fields: the chosen field, else `value`, else `key`, else the only field.
 * Several other fields become the JSON of all.
 *
 * A number keeps its source text. `null` is absent. Throws `MALFORMED` if the chosen field is missing.
 */
export function valueOf(fields: Fields, call: VaultCall): string | undefined {
  const field = call.field ?? defaultField(fields);
  if (field === undefined) {
    assertExact(fields, call);
    return exactJson(fields);
  }
  if (!Object.hasOwn(fields, field)) throw missingField(field, call);
  const value = fields[field];
  if (value === null || typeof value === 'string') return value ?? undefined;
  assertExact({ [field]: value }, call);
  return exactJson(value);
}

export function omitField(fields: Fields, field: string | undefined): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== field));
}

/**
 * Throws `MALFORMED` if a field holds a number that the server or its writer may have rounded. KV 2 reads numbers
 * as 64-bit floats, and writing a rounded number back would make the loss permanent.
 */
export function assertExact(fields: Fields, call: VaultCall): void {
  const rounded = Object.keys(fields).find((field) => holdsRoundedNumber(fields[field]));
  if (rounded === undefined) return;
  throw new SecretManagerError(
    'MALFORMED',
    `${subjectOf('Using', call)} failed: its field ${quoteName(rounded)} holds a number with more digits than the server keeps. Store it in quotes.`,
  );
}

function defaultField(fields: Fields): string | undefined {
  if (Object.hasOwn(fields, 'value')) return 'value';
  if (Object.hasOwn(fields, 'key')) return 'key';
  const names = Object.keys(fields);
  return names.length === 1 ? names[0] : undefined;
}

function holdsRoundedNumber(value: unknown): boolean {
  if (typeof value === 'number') return mayBeRounded(String(value));
  if (value instanceof JsonNumber) return mayBeRounded(value.source);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsRoundedNumber);
}

/**
 * Returns whether a number may have been rounded. A number beyond every float was not: the server kept its text.
 */
function mayBeRounded(source: string): boolean {
  if (!isExactNumber(source)) return false;
  const number = Number(source);
  if (Number.isInteger(number)) return !Number.isSafeInteger(number);
  return significantDigits(source).length > EXACT_DIGITS;
}

/** Reports a missing field. The message names no other field, because some field names are secret. */
function missingField(field: string, call: VaultCall): SecretManagerError {
  return new SecretManagerError(
    'MALFORMED',
    `${subjectOf('Reading', call)} failed: it has no field ${quoteName(field)}. Check the option \`field\`, or \`params.field\`.`,
  );
}
