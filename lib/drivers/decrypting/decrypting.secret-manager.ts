import { managerClosed } from '../../core/calls/cancellation';
import {
  CustomSecretManager,
  implementsOperation,
  unsupported,
  type DeleteOptions,
  type OperationOptions,
  type OptionalOperation,
  type RegistrationFacts,
  type SecretAnswer,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../../core/contract/custom-secret-manager';
import {
  fallbackProblem,
  READS_ENVIRONMENT,
  readsEnvironment,
} from '../../core/contract/environment';
import { SecretManagerError, type OperationContext } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { countingDown } from '../../core/time/clock';
import { DEFAULT_TIMEOUT_MS } from '../../core/time/durations';
import { isRecord } from '../../core/validation/option-rules';
import { givenParams } from '../../core/validation/params';
import { assertSecretName } from '../../core/validation/secret-name';
import { UsableOptions } from '../http/options/usable-options';
import type { CipherHooks } from './ciphers/cipher';
import { encryptionError } from './ciphers/cipher-error';
import { encryptWith } from './ciphers/given-cipher';
import { optionProblems, type DecryptingSecretManagerOptions } from './decrypting.options';
import { InnerAnswers, type Limited } from './inner-answers';
import { runChecks } from './start-check';

/** The operations that this manager has only if the inner one has them. */
const OF_INNER = ['readSecretSync', 'readSecrets'] as const satisfies readonly OptionalOperation[];

/**
 * Decrypts the values of another manager, and encrypts what is written to it. Names, versions, leases, descriptions and
 * absences are those of the inner manager, and `params` go to it.
 *
 * A value that cannot be decrypted is `MALFORMED`, or `MISCONFIGURED` if the key is missing, disabled or not permitted.
 * The ciphertext is never returned. Plaintext is kept nowhere but in the cache of the module.
 */
export class DecryptingSecretManager extends CustomSecretManager {
  readonly #options: DecryptingSecretManagerOptions;
  readonly #usable: UsableOptions;
  readonly #answers: InnerAnswers;
  #closing: Promise<void> | undefined;

  constructor(options: DecryptingSecretManagerOptions) {
    super('decrypting');
    const given: Partial<DecryptingSecretManagerOptions> = isRecord(options) ? options : {};
    this.#options = { ...given } as DecryptingSecretManagerOptions; // every operation checks them first
    this.#usable = new UsableOptions('DecryptingSecretManager', () => optionProblems(given));
    this.#answers = new InnerAnswers(this.#options);
    if (!this.#usable.areWrong) this.leaveOutWhatInnerLacks();
  }

  /** @internal */
  get [READS_ENVIRONMENT](): 'encrypted' | undefined {
    return readsEnvironment(this.#options.inner) ? 'encrypted' : undefined;
  }

  override async readSecret(
    secretName: string,
    given: OperationOptions = {},
  ): Promise<SecretReading | undefined> {
    const context = this.begin('readSecret', given, secretName);
    const options = withDeadline(given);
    const answer = await this.#options.inner.readSecret(secretName, options);
    return await this.#answers.decrypt(answer, options, context);
  }

  /**
   * Reads and decrypts, and blocks the event loop. Throws `UNSUPPORTED` if the inner manager or the decrypter cannot do
   * that.
   */
  override readSecretSync(
    secretName: string,
    given: OperationOptions = {},
  ): SecretReading | undefined {
    const context = this.begin('readSecretSync', given, secretName);
    const options = withDeadline(given);
    const answer = this.#options.inner.readSecretSync(secretName, options);
    return this.#answers.decryptSync(answer, options, context);
  }

  /** Reads with one call of the inner manager, and decrypts each value. One that fails does not lose the others. */
  override async readSecrets(
    secretNames: readonly string[],
    given: OperationOptions = {},
  ): Promise<ReadonlyMap<string, SecretAnswer | Error>> {
    const context = this.begin('readSecrets', given);
    const options = withDeadline(given);
    const answers = await this.#options.inner.readSecrets(secretNames, options);
    return await this.#answers.decryptMany(secretNames, answers, options, context);
  }

  /** Encrypts and writes. Without the option `encrypt` it throws `UNSUPPORTED`. */
  override async writeSecret(
    secretName: string,
    value: string,
    given: WriteOptions = {},
  ): Promise<SecretMetadata | void> {
    const context = this.begin('writeSecret', given, secretName);
    const { inner, encrypt } = this.#options;
    if (!implementsOperation(inner, 'writeSecret')) {
      throw unsupported(inner, 'writeSecret', secretName);
    }
    if (encrypt === undefined) throw withoutEncryption(context);
    const options = withDeadline(given);
    let ciphertext: string;
    try {
      const { signal } = options;
      const limits = countingDown({ signal }, options.timeoutMs);
      ciphertext = await encryptWith(encrypt, value, limits, context);
    } catch (thrown) {
      throw encryptionError(thrown, context);
    }
    return await inner.writeSecret(secretName, ciphertext, options);
  }

  override async deleteSecret(
    secretName: string,
    options: DeleteOptions = {},
  ): Promise<SecretMetadata | void> {
    this.begin('deleteSecret', options, secretName);
    return await this.#options.inner.deleteSecret(secretName, options);
  }

  override async describeSecret(
    secretName: string,
    options: OperationOptions = {},
  ): Promise<SecretDescription> {
    this.begin('describeSecret', options, secretName);
    return await this.#options.inner.describeSecret(secretName, options);
  }

  /**
   * Throws `MISCONFIGURED` if the environment could answer for an inner manager that reads the environment: it would
   * answer with the ciphertext. A call with such a `fallback` is refused, too. The inner manager checks the
   * registration, too.
   */
  override validateRegistration(facts: RegistrationFacts): void {
    const context = this.context('validateRegistration');
    this.#usable.assert(context);
    const problem = fallbackProblem(this, facts.fallback);
    if (problem !== undefined) {
      throw new SecretManagerError('MISCONFIGURED', `fallback ${problem}.`, context);
    }
    this.#options.inner.validateRegistration?.(facts);
  }

  /** Throws `MISCONFIGURED` with the problems of the options, of the inner manager and of the ciphers. */
  override async validateEnvironment(): Promise<void> {
    this.#usable.assert(this.context('validateEnvironment'));
    const { inner } = this.#options;
    await runChecks(this.secretManagerName, [
      () => inner.validateEnvironment(),
      ...this.hooks().map((hook) => () => hook.validate?.()),
    ]);
  }

  override explainAbsence(): string {
    return this.#options.inner.explainAbsence?.() ?? '';
  }

  /** Resolves to `true` if the inner manager and the ciphers are healthy. */
  override async checkHealth(given: OperationOptions = {}): Promise<boolean> {
    this.begin('checkHealth', given);
    const options = withDeadline(given);
    const parts = [this.#options.inner, ...this.hooks()];
    const healthy = await Promise.all(
      parts.map(async (part) => (await part.checkHealth?.(options)) ?? true),
    );
    return healthy.every((isHealthy) => isHealthy);
  }

  /** Closes the inner manager and the ciphers. */
  override close(): Promise<void> {
    this.#closing ??= this.closeOnce();
    return this.#closing;
  }

  private async closeOnce(): Promise<void> {
    this.#answers.close(this.context('close'));
    if (this.#usable.areWrong) return;
    const parts = [this.#options.inner, ...this.hooks()];
    const ends = await Promise.allSettled(parts.map(async (part) => part.close?.()));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** The ciphers that have hooks. One that decrypts and encrypts is there once. */
  private hooks(): CipherHooks[] {
    const { decrypt, encrypt } = this.#options;
    return [...new Set([decrypt, encrypt])].filter((cipher) => typeof cipher === 'object');
  }

  private begin(
    operation: string,
    { params }: OperationOptions,
    ...names: readonly [secretName?: string]
  ): OperationContext {
    const context = this.context(operation, ...names);
    this.#usable.assert(context);
    givenParams(params, context);
    for (const name of names) assertSecretName(name, context);
    if (this.#closing === undefined) return context;
    throw managerClosed(context);
  }

  private context(operation: string, secretName?: string): OperationContext {
    return { manager: this.secretManagerName, operation, secretName };
  }

  /** Makes the pipeline treat this manager as it would treat the inner one. */
  private leaveOutWhatInnerLacks(): void {
    const { inner } = this.#options;
    const lacking: OptionalOperation[] = OF_INNER.filter(
      (operation) => !implementsOperation(inner, operation),
    );
    const isHealthKnown =
      implementsOperation(inner, 'checkHealth') ||
      this.hooks().some((hook) => typeof hook.checkHealth === 'function');
    if (!isHealthKnown) lacking.push('checkHealth');
    for (const operation of lacking) {
      const byDefault: unknown = Reflect.get(CustomSecretManager.prototype, operation);
      Object.defineProperty(this, operation, { value: byDefault });
    }
    if (typeof inner.watchSecrets !== 'function') return;
    this.watchSecrets = (onChange, options) => inner.watchSecrets?.(onChange, options);
  }
}

function withDeadline<Options extends OperationOptions>(options: Options): Limited<Options> {
  return countingDown(options, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
}

function withoutEncryption(context: OperationContext): SecretManagerError {
  return new SecretManagerError(
    'UNSUPPORTED',
    `${quoteName(context.secretName)} was not written: DecryptingSecretManager encrypts only with its option \`encrypt\`.`,
    context,
  );
}
