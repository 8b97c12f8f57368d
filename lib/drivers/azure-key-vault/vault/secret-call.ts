import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';

/** A call about one secret. */
export interface SecretCall {
  readonly secretName: string;
  /** The name in the vault. */
  readonly storedName: string;
  /** `timeoutMs` counts down. */
  readonly options: OperationOptions;
}

const MOST_BYTES = 25 * 1024;

/** Throws `INVALID_ARGUMENT` for a value that a vault does not take. */
export function assertStorable(value: string, secretName: string): void {
  if (!isWellFormed(value)) {
    throw new SecretManagerError(
      'INVALID_ARGUMENT',
      `The value of ${quoteName(secretName)} has half of a surrogate pair, and a vault stores text. Encode it, for ` +
        'example in base64.',
    );
  }
  const bytes = Buffer.byteLength(value);
  if (bytes <= MOST_BYTES) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `A vault takes values of ${MOST_BYTES} bytes (25 KB), and the one of ${quoteName(secretName)} has ${bytes}. ` +
      'Write a shorter one.',
  );
}

/** Returns whether a text can be encoded in UTF-8: it has no half of a surrogate pair. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
