import { translateError } from '../../../core/errors/error-table';
import {
  isSecretManagerError,
  SecretManagerError,
  type OperationContext,
  type SecretManagerErrorCode,
} from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';

type Codes = Readonly<Partial<Record<SecretManagerErrorCode, SecretManagerErrorCode>>>;

/** The codes of errors that a cipher of this library or an author chose. A missing key is no absent secret. */
const OF_CHOSEN: Codes = { NOT_FOUND: 'MISCONFIGURED' };

/** The codes of other errors of a decryption. The bytes are wrong if nothing says otherwise. */
const OF_DECRYPTION: Codes = {
  ...OF_CHOSEN,
  INVALID_ARGUMENT: 'MALFORMED',
  UNKNOWN: 'MALFORMED',
};

/** Returns the error of a failed decryption, without the text of an error that chose no code. */
export function decryptionError(thrown: unknown, context: OperationContext): SecretManagerError {
  return cipherError(thrown, context, OF_DECRYPTION, {
    happened: 'was not decrypted',
    remedy:
      'Is the value ciphertext, and of this key? `hostedKeys` says which names are. The text of the error is withheld.',
  });
}

/** Returns the error of a failed encryption. */
export function encryptionError(thrown: unknown, context: OperationContext): SecretManagerError {
  return cipherError(thrown, context, OF_CHOSEN, {
    happened: 'was not encrypted, and nothing was written',
    remedy: 'The text of the error is withheld.',
  });
}

interface Wording {
  readonly happened: string;
  readonly remedy: string;
}

function cipherError(
  thrown: unknown,
  context: OperationContext,
  codes: Codes,
  { happened, remedy }: Wording,
): SecretManagerError {
  const { code, message, ...facts } = translateError(thrown, context);
  const subject = `${quoteName(context.secretName)} ${happened}.`;
  if (!isSecretManagerError(thrown)) {
    const own = codes[code] ?? code;
    const text = own === code ? `${subject} ${message}` : `${subject} ${message} ${remedy}`;
    return new SecretManagerError(own, text, facts);
  }
  const isNamed = thrown.secretName !== undefined; // the text names the secret, too
  const named = isNamed ? message : `${subject} ${message}`;
  return new SecretManagerError(OF_CHOSEN[code] ?? code, named, facts);
}
