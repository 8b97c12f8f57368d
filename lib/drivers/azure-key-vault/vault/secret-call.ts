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
  const bytes = Buffer.byteLength(value);
  if (bytes <= MOST_BYTES) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `A vault takes values of ${MOST_BYTES} bytes (25 KB), and the one of ${quoteName(secretName)} has ${bytes}. ` +
      'Write a shorter one.',
  );
}
