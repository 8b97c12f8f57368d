import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { unavailable } from '../files/problems';
import { Damage } from '../pages/damage';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/**
 * Encrypts bytes with a new nonce. Returns nonce, tag and cipher text, which can be decrypted only with the same `place`.
 * Throws `UNAVAILABLE` for a key that was overwritten.
 */
export function seal(key: Buffer, place: string, content: Buffer): Buffer {
  if (key.every((byte) => byte === 0))
    throw unavailable('The key was dropped, because its application shut down.');
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(place));
  const sealed = [cipher.update(content), cipher.final()];
  return Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]);
}

/** Decrypts sealed bytes. Throws {@link Damage} unless `seal` made them with this key and for this place. */
export function unseal(key: Buffer, place: string, bytes: Buffer): Buffer {
  try {
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(tagOf(bytes));
    const sealed = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(sealed), decipher.final()]);
  } catch {
    throw new Damage();
  }
}

/** Returns the tag of sealed bytes. Without the key, nobody can make other bytes with the same tag. */
export function tagOf(bytes: Buffer): Buffer {
  return bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
}
