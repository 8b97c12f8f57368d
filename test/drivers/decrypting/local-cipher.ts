import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Cipher } from 'nestjs-custom-secret-manager/drivers/decrypting';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts with a key in the process, as a team may do that has no key service. */
export class LocalCipher implements Cipher {
  readonly #key = randomBytes(32);

  encrypt(plaintext: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    const sealed = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]).toString('base64');
  }

  decrypt(ciphertext: string): string {
    const bytes = Buffer.from(ciphertext, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const sealed = bytes.subarray(NONCE_BYTES, -TAG_BYTES);
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
  }
}
