import { types } from 'node:util';
import { waitFor } from '../../../core/calls/waiting';
import type { CallOptions } from '../../../core/calls/cancellation';
import {
  SecretManagerError,
  type OperationContext,
} from '../../../core/errors/secret-manager.error';
import { kindOf } from '../../../core/errors/wording';
import type {
  CipherOptions,
  DecryptFunction,
  Decrypter,
  EncryptFunction,
  Encrypter,
} from './cipher';

/** Decrypts with a decrypter or a function, and checks what it returns. */
export async function decryptWith(
  given: Decrypter | DecryptFunction,
  ciphertext: string,
  options: CipherOptions,
): Promise<string> {
  const plaintext: unknown =
    typeof given === 'function'
      ? await given(ciphertext, options)
      : await given.decrypt(ciphertext, options);
  return checkedPlaintext(plaintext);
}

/** The blocking form of `decryptWith`. Throws `UNSUPPORTED` if there is a promise only. */
export function decryptSyncWith(
  given: Decrypter | DecryptFunction,
  ciphertext: string,
  options: CipherOptions,
): string {
  const plaintext = decryptNow(given, ciphertext, options);
  if (!isThenable(plaintext)) return checkedPlaintext(plaintext);
  if (types.isPromise(plaintext)) plaintext.catch(() => undefined); // an unhandled rejection would print its text
  throw new SecretManagerError(
    'UNSUPPORTED',
    'A synchronous read needs `decrypt` to return the plaintext, and it returned a promise. Give a decrypter with ' +
      'decryptSync(), or read the name ahead with `preload`.',
  );
}

/** Encrypts with an encrypter or a function until the deadline, and checks what it returns. */
export async function encryptWith(
  given: Encrypter | EncryptFunction,
  plaintext: string,
  options: CallOptions & CipherOptions,
  context: OperationContext,
): Promise<string> {
  const encrypt = async (): Promise<unknown> =>
    typeof given === 'function'
      ? await given(plaintext, options)
      : await given.encrypt(plaintext, options);
  const ciphertext = await waitFor(encrypt(), options, context);
  if (typeof ciphertext === 'string' && ciphertext !== '') return ciphertext;
  throw new SecretManagerError(
    'MALFORMED',
    `\`encrypt\` must return a string that is not empty, and returned ${kindOf(ciphertext)}.`,
  );
}

function decryptNow(
  given: Decrypter | DecryptFunction,
  ciphertext: string,
  options: CipherOptions,
): unknown {
  if (typeof given === 'function') return given(ciphertext, options);
  return given.decryptSync === undefined
    ? given.decrypt(ciphertext, options)
    : given.decryptSync(ciphertext, options);
}

function checkedPlaintext(plaintext: unknown): string {
  if (typeof plaintext === 'string') return plaintext;
  throw new SecretManagerError(
    'MALFORMED',
    `\`decrypt\` must return a string, and returned ${kindOf(plaintext)}.`,
  );
}

function isThenable(candidate: unknown): boolean {
  return typeof candidate === 'object' && candidate !== null && 'then' in candidate;
}
