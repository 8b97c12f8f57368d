import { originOf } from '../../http/wire/store-errors';
import {
  SecretManagerError,
  type SecretManagerErrorCode,
} from '../../../core/errors/secret-manager.error';
import type { VaultAnswer } from '../../hashicorp-vault/wire/vault-answer';
import { isFromVault, serverMessageOf, vaultError } from '../../hashicorp-vault/wire/vault-errors';

/** The meaning of a failure of the transit engine. The first row that matches decides. */
type Row = readonly [
  status: number,
  message: RegExp,
  code: SecretManagerErrorCode,
  meaning: string,
];

const KEY_IS_MISSING = 'there is no such key. Check key and mount';

const ROWS: readonly Row[] = [
  [400, /key not found/, 'MISCONFIGURED', KEY_IS_MISSING],
  [404, /^$/, 'MISCONFIGURED', KEY_IS_MISSING],
  [
    400,
    /missing 'context'/,
    'MISCONFIGURED',
    'the key is a derived one. Give `context`, as at the encryption',
  ],
  [
    400,
    /disallowed by policy/,
    'MISCONFIGURED',
    'the key does not permit the version of the ciphertext any more. Lower its min_decryption_version, or rewrap the value',
  ],
  [
    400,
    /not supported for key type|unsupported for key type|not supported by|does not support/i,
    'MISCONFIGURED',
    'the type of the key cannot do this. Take a key that encrypts, and no `associatedData` with RSA',
  ],
  [
    400,
    /message authentication failed/,
    'MALFORMED',
    'the value was encrypted with another key, another `context` or another `associatedData`, or it was changed',
  ],
  [400, /version is too new/, 'MALFORMED', 'the key has no such version as the value names'],
  [400, /ciphertext|decrypt/, 'MALFORMED', 'the value is no ciphertext of this key'],
];

/** Returns the error for an answer of the transit engine. No text of the answer goes into it. */
export function transitError(answer: VaultAnswer, subject: string): SecretManagerError {
  const { statusCode } = answer;
  const message = serverMessageOf(answer);
  const row = isFromVault(answer)
    ? ROWS.find(([status, pattern]) => status === statusCode && pattern.test(message))
    : undefined;
  if (row === undefined) return vaultError(answer, subject);
  const [, , code, meaning] = row;
  return new SecretManagerError(code, `${subject} failed: ${meaning}. ${originOf(answer)}`);
}

/** Returns whether the server found that a derived key needs a context. */
export function lacksContext(answer: VaultAnswer): boolean {
  return answer.statusCode === 400 && serverMessageOf(answer).includes("missing 'context'");
}

/** Returns whether the server used the key without a context, whatever came of it. */
export function neededNoContext(answer: VaultAnswer): boolean {
  return (
    answer.statusCode === 200 || serverMessageOf(answer).includes('message authentication failed')
  );
}
