import { SecretManagerError } from '../../../core/errors/secret-manager.error';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Returns the bytes of base64, or `undefined`. Line breaks and other white space are ignored. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  const compact = text.replace(/\s+/g, '');
  return BASE64.test(compact) ? Uint8Array.from(Buffer.from(compact, 'base64')) : undefined;
}

/** Returns the bytes of a ciphertext in base64. Throws before anything is sent. */
export function ciphertextBytes(ciphertext: string, service: string, maxBytes: number): Uint8Array {
  const bytes = bytesOfBase64(ciphertext);
  if (bytes === undefined || bytes.length === 0) {
    throw new SecretManagerError(
      'MALFORMED',
      `The value is no ciphertext of ${service}, which is base64. \`hostedKeys\` says which names are ciphertext.`,
    );
  }
  assertSize('ciphertext', bytes.length, service, maxBytes);
  return bytes;
}

/** Throws `INVALID_ARGUMENT` for more bytes than the service takes. */
export function assertSize(what: string, bytes: number, service: string, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `The ${what} has ${bytes} bytes, and ${service} takes at most ${maxBytes}.`,
  );
}

/** Returns the text of a plaintext. Throws `MALFORMED` for bytes that are no UTF-8. */
export function plaintextOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SecretManagerError(
      'MALFORMED',
      'The plaintext is no UTF-8 text. Encrypt the text of the secret, or its base64.',
    );
  }
}
