import type { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { GOOGLE_ROWS, googleReasons } from '../../google/errors/google-errors';
import type { HttpAnswer } from '../../http/wire/http-request';
import type { ErrorRow } from '../../http/wire/answer-rows';
import { storeError } from '../../http/wire/store-errors';

const WRONG_CIPHERTEXT: ErrorRow = [
  400,
  /\bINVALID_ARGUMENT\b/,
  'MALFORMED',
  'the value is no ciphertext of this key, or it was encrypted with other `additionalAuthenticatedData`',
];

const ROWS: readonly ErrorRow[] = [
  [
    400,
    /\bFAILED_PRECONDITION\b/,
    'MISCONFIGURED',
    'the version of the key is disabled or destroyed, or the key is for something else. Look at the key',
  ],
  [404, /./, 'MISCONFIGURED', 'Google has no such key. Check `key`'],
];

/** @param role the role on the key that permits the request */
export function kmsError(
  answer: HttpAnswer,
  subject: string,
  role: 'cryptoKeyDecrypter' | 'cryptoKeyEncrypter' | 'viewer',
): SecretManagerError {
  const denied: ErrorRow = [
    403,
    /./,
    'ACCESS_DENIED',
    `Google denies it, or the key does not exist. Grant roles/cloudkms.${role} on the key`,
  ];
  const ofCiphertext = role === 'cryptoKeyDecrypter' ? [WRONG_CIPHERTEXT] : [];
  const rows = [...ofCiphertext, ...ROWS, ...GOOGLE_ROWS, denied];
  return storeError(answer, subject, { store: 'Google KMS', rows, reasonOf: googleReasons });
}
