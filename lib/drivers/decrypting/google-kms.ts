import type { GoogleEnvironment } from '../google/credentials/google-auth';
import type { Cipher } from './ciphers/cipher';
import { GoogleKmsCipher } from './google-kms/google-kms.cipher';
import type { GoogleKmsOptions } from './google-kms/google-kms.options';

/**
 * Decrypts and encrypts with a symmetric key of Google KMS. A ciphertext is base64. The start reports wrong options.
 *
 * @param environment the variables of Application Default Credentials; default: `process.env`
 */
export function googleKms(
  options: GoogleKmsOptions,
  environment: GoogleEnvironment = process.env,
): Cipher {
  return new GoogleKmsCipher(options, environment);
}
