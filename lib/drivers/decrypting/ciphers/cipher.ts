import type { OperationOptions } from '../../../core/contract/custom-secret-manager';

/**
 * The options of one decryption or encryption. `timeoutMs` is the time left until the deadline. `signal` aborts at the
 * deadline, and when every caller has left. A blocking decryption has no signal.
 */
export type CipherOptions = Pick<OperationOptions, 'timeoutMs' | 'signal'>;

/** The methods that a decrypter or an encrypter may have beside its work. The manager calls them. */
export interface CipherHooks {
  /** Throws `MISCONFIGURED` with every problem of the options. Called once, at start. */
  validate?(): void | Promise<void>;
  /** Resolves to `true` if the key can be used. */
  checkHealth?(options?: CipherOptions): Promise<boolean>;
  /** Releases the resources. Called once, at shutdown. */
  close?(): void | Promise<void>;
}

/** Decrypts values. Throws an error with a code of its choice, or any other error, which is `MALFORMED` then. */
export interface Decrypter extends CipherHooks {
  /** Returns the plaintext. The ciphertext is never empty. */
  decrypt(ciphertext: string, options: CipherOptions): Promise<string> | string;
  /** Returns the plaintext, and blocks the event loop. Default: `decrypt`, if it returns no promise. */
  decryptSync?(ciphertext: string, options: CipherOptions): string;
}

/** Encrypts values before they are written. */
export interface Encrypter extends CipherHooks {
  /** Returns the ciphertext, which is not empty. */
  encrypt(plaintext: string, options: CipherOptions): Promise<string> | string;
}

/** Decrypts and encrypts with one key. */
export interface Cipher extends Decrypter, Encrypter {}

/** A function of the application that decrypts. */
export type DecryptFunction = Decrypter['decrypt'];

/** A function of the application that encrypts. */
export type EncryptFunction = Encrypter['encrypt'];
