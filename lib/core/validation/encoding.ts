import { SecretManagerError } from '../errors/secret-manager.error';
import { quoteName } from '../errors/wording';

/** The encodings that turn the bytes of a secret into a string. */
export const ENCODINGS = ['base64', 'base64url', 'hex', 'utf8', 'latin1'] as const;

export type Encoding = (typeof ENCODINGS)[number];

/** Returns the problem of the param `encoding` as the end of a sentence. */
export function encodingProblem(value: unknown): string | undefined {
  const isKnown = (ENCODINGS as readonly unknown[]).includes(value);
  return isKnown ? undefined : `must be one of ${ENCODINGS.join(', ')}`;
}

/** Returns the bytes of a secret as a string. Throws `MALFORMED` for `utf8` if they are no UTF-8. */
export function encodeBytes(bytes: Uint8Array, encoding: Encoding, secretName: string): string {
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
