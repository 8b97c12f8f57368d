import { workerFile } from '../../sync/worker-file';
import { AwsKmsCipher } from './aws-kms/aws-kms.cipher';
import type { AwsKmsOptions } from './aws-kms/aws-kms.options';
import type { Cipher } from './ciphers/cipher';

/** The worker lies beside this file, and beside the bundle of this driver. */
const WORKER_FILE = workerFile(__filename, 'sync.worker.cjs');

/**
 * Decrypts and encrypts with a symmetric key of AWS KMS. A ciphertext is the base64 of `CiphertextBlob`, as
 * `aws kms encrypt` prints it.
 *
 * Throws `MISCONFIGURED` if the package `@aws-sdk/client-kms` is missing, which is loaded here. The start reports wrong
 * options.
 */
export function awsKms(options: AwsKmsOptions): Cipher {
  return new AwsKmsCipher(options, WORKER_FILE);
}
