import {
  isCustomSecretManager,
  type CustomSecretManager,
} from '../../core/contract/custom-secret-manager';
import { read } from '../../core/errors/safe-access';
import { kindOf } from '../../core/errors/wording';
import { must, optional, ruleProblems, type Rule } from '../../core/validation/option-rules';
import type { DecryptFunction, Decrypter, EncryptFunction, Encrypter } from './ciphers/cipher';

export interface DecryptingSecretManagerOptions {
  /** The manager whose values are ciphertext. It is closed together with this one. */
  readonly inner: CustomSecretManager;
  /** `awsKms(...)`, `vaultTransit(...)`, `googleKms(...)`, a decrypter or a function of yours. */
  readonly decrypt: Decrypter | DecryptFunction;
  /** The same for writes. Default: writes are `UNSUPPORTED`. */
  readonly encrypt?: Encrypter | EncryptFunction;
}

/** Returns every problem of the options as a sentence. */
export function optionProblems(options: object): readonly string[] {
  return ruleProblems(options, {
    inner: must('be a manager, as new EnvironmentSecretManager()', isCustomSecretManager),
    decrypt: ableTo('decrypt'),
    ...optional({ encrypt: ableTo('encrypt') }),
  });
}

function ableTo(method: 'decrypt' | 'encrypt'): Rule {
  return (given) =>
    typeof given === 'function' || typeof read(given, method) === 'function'
      ? undefined
      : `must be a function or have the method ${method}(), and is ${kindOf(given)}`;
}
