import { types } from 'node:util';
import type {
  OperationOptions,
  SecretAnswer,
  SecretReading,
} from '../../core/contract/custom-secret-manager';
import { isErrorLike } from '../../core/errors/safe-access';
import { SecretManagerError, type OperationContext } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { countingDown } from '../../core/time/clock';
import { inParallel } from '../../core/time/in-parallel';
import { malformed, toReading } from '../../core/validation/answers';
import { decryptionError } from './ciphers/cipher-error';
import { decryptSyncWith, decryptWith } from './ciphers/given-cipher';
import { SharedDecryptions } from './ciphers/shared-decryptions';
import type { DecryptingSecretManagerOptions } from './decrypting.options';

/** Options with a deadline. */
export type Limited<Options> = Options & { readonly timeoutMs: number };

const PARALLEL_DECRYPTIONS = 16;

/** Turns answers of the inner manager, whose values are ciphertext, into readings with plaintext. */
export class InnerAnswers {
  readonly #options: DecryptingSecretManagerOptions;
  readonly #decryptions: SharedDecryptions;

  constructor(options: DecryptingSecretManagerOptions) {
    this.#options = options;
    this.#decryptions = new SharedDecryptions((ciphertext, limited) =>
      decryptWith(options.decrypt, ciphertext, limited),
    );
  }

  async decrypt(
    answer: unknown,
    options: Limited<OperationOptions>,
    context: OperationContext,
  ): Promise<SecretReading | undefined> {
    const reading = this.ciphertextOf(answer, context);
    if (reading === undefined) return undefined;
    try {
      const value = await this.#decryptions.wait(reading.value, options, context);
      return { ...reading, value };
    } catch (thrown) {
      throw decryptionError(thrown, context);
    }
  }

  decryptSync(
    answer: unknown,
    { timeoutMs }: Limited<OperationOptions>,
    context: OperationContext,
  ): SecretReading | undefined {
    const reading = this.ciphertextOf(answer, context);
    if (reading === undefined) return undefined;
    try {
      const limits = countingDown({}, timeoutMs);
      return { ...reading, value: decryptSyncWith(this.#options.decrypt, reading.value, limits) };
    } catch (thrown) {
      throw decryptionError(thrown, context);
    }
  }

  /** Resolves to an outcome for each name. One that fails does not lose the others. */
  async decryptMany(
    secretNames: readonly string[],
    answers: unknown,
    options: Limited<OperationOptions>,
    context: OperationContext,
  ): Promise<ReadonlyMap<string, SecretAnswer | Error>> {
    if (!types.isMap(answers)) {
      throw malformed('must resolve to a Map of answers', answers, this.innerContext(context));
    }
    const outcomes = new Map<string, SecretAnswer | Error>();
    await inParallel([...new Set(secretNames)], PARALLEL_DECRYPTIONS, async (secretName) => {
      const about = { ...context, secretName };
      outcomes.set(secretName, await this.outcomeOf(answers.get(secretName), options, about));
    });
    return outcomes;
  }

  /** Ends the decryptions in flight. */
  close(context: OperationContext): void {
    this.#decryptions.close(context);
  }

  private async outcomeOf(
    answer: unknown,
    options: Limited<OperationOptions>,
    context: OperationContext,
  ): Promise<SecretReading | Error | undefined> {
    if (isErrorLike(answer)) return answer;
    try {
      return await this.decrypt(answer, options, context);
    } catch (thrown) {
      return thrown as SecretManagerError; // `decrypt` throws nothing else
    }
  }

  private ciphertextOf(answer: unknown, context: OperationContext): SecretReading | undefined {
    const reading = toReading(answer, this.innerContext(context));
    if (reading?.value === '') throw emptyCiphertext(context);
    return reading;
  }

  private innerContext(context: OperationContext): OperationContext {
    return { ...context, manager: this.#options.inner.secretManagerName };
  }
}

function emptyCiphertext(context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'MALFORMED',
    `${quoteName(context.secretName)} is empty, and no ciphertext is. Encrypt its value, or leave it out of \`hostedKeys\`.`,
    context,
  );
}
