import { SecretManagerError, type OperationContext } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((text) => [text, true] as const),
  ...['false', '0', 'no', 'off'].map((text) => [text, false] as const),
]);

/** Returns the boolean that a value stands for, in any case. Throws `MALFORMED`, without the value, for another text. */
export function parseBoolean(value: string, context: OperationContext): boolean {
  const parsed = BOOLEANS.get(value.trim().toLowerCase());
  if (parsed !== undefined) return parsed;
  throw new SecretManagerError(
    'MALFORMED',
    `The value of ${quoteName(context.secretName)} is none of ${[...BOOLEANS.keys()].join(', ')}.`,
    context,
  );
}
