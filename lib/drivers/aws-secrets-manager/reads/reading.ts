import type { SecretValueEntry } from '@aws-sdk/client-secrets-manager';
import type { SecretReading } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { encodeBytes, type Encoding } from '../../../core/validation/encoding';

/**
 * Translates an answer of AWS. The version is its `VersionId`. A binary secret is encoded; a string stays as it is.
 */
export function toReading(
  { SecretString, SecretBinary, VersionId: version }: SecretValueEntry,
  encoding: Encoding,
  secretName: string,
): SecretReading {
  if (typeof SecretString === 'string') return { value: SecretString, version };
  if (SecretBinary instanceof Uint8Array) {
    return { value: encodeBytes(SecretBinary, encoding, secretName), version };
  }
  throw new SecretManagerError(
    'MALFORMED',
    `AWS answered neither text nor bytes for ${quoteName(secretName)}. Check the endpoint.`,
    { secretName },
  );
}
