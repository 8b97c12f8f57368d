import type { SecretValueEntry } from '@aws-sdk/client-secrets-manager';
import type { SecretReading } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { Encoding } from './params';

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
    return { value: encode(SecretBinary, encoding, secretName), version };
  }
  throw new SecretManagerError(
    'MALFORMED',
    `AWS answered neither text nor bytes for ${quoteName(secretName)}. Check the endpoint.`,
    { secretName },
  );
}

function encode(bytes: Uint8Array, encoding: Encoding, secretName: string): string {
  if (encoding !== 'utf8') return Buffer.from(bytes).toString(encoding);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SecretManagerError(
      'MALFORMED',
      `The bytes of ${quoteName(secretName)} are no UTF-8. Read it with another \`encoding\`, such as base64.`,
      { secretName },
    );
  }
}
