import { types } from 'node:util';
import { endsByCancellation } from '../core/calls/cancellation';
import { defineOwnSignal } from '../core/calls/manager-options';
import {
  CustomSecretManager,
  implementsOperation,
  type DeleteOptions,
  type OperationOptions,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../core/contract/custom-secret-manager';
import { translateError } from '../core/errors/error-table';
import { attempt, isErrorLike } from '../core/errors/safe-access';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
} from '../core/errors/secret-manager.error';
import {
  malformed,
  toDescription,
  toHealth,
  toMetadata,
  toReading,
} from '../core/validation/answers';
import type { Pipeline, ReadOutcome, SecretReadings } from './policy';

export interface BoundaryOptions {
  /** Receives the original error of the manager, unredacted. */
  readonly debug?: (original: unknown, operation: string) => void;
  /**
   * Closes the manager together with the pipeline. `false` for a manager that the application closes itself.
   * Default `true`.
   */
  readonly closesManager?: boolean;
}

/**
 * Calls a team's own manager, and is the only place that does. The policy normalises the answers, and turns
 * every error into a `SecretManagerError`.
 */
export class BoundaryPolicy extends CustomSecretManager implements Pipeline {
  readonly #manager: CustomSecretManager;
  readonly #debug: BoundaryOptions['debug'];
  readonly #closesManager: boolean;
  readonly #needsNoSignal: boolean;

  constructor(manager: CustomSecretManager, { debug, closesManager = true }: BoundaryOptions = {}) {
    super(manager.secretManagerName);
    this.#manager = manager;
    this.#debug = debug;
    this.#closesManager = closesManager;
    this.#needsNoSignal = endsByCancellation(manager);
  }

  override readSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretReading | undefined> {
    const ask = () => this.#manager.readSecret(secretName, this.managerOptions(options));
    return this.call(this.context('readSecret', secretName), ask, toReading);
  }

  override readSecretSync(
    secretName: string,
    options?: OperationOptions,
  ): SecretReading | undefined {
    const context = this.context('readSecretSync', secretName);
    try {
      return toReading(this.#manager.readSecretSync(secretName, options), context);
    } catch (thrown) {
      this.show(thrown, context);
      throw translateError(thrown, context);
    }
  }

  override readSecrets(
    secretNames: readonly string[],
    options?: OperationOptions,
  ): Promise<SecretReadings> {
    if (!implementsOperation(this.#manager, 'readSecrets'))
      return super.readSecrets(secretNames, options) as Promise<SecretReadings>;
    const context = this.context('readSecrets');
    return this.call(
      context,
      () => this.#manager.readSecrets(secretNames, this.managerOptions(options)),
      (answers) => this.toReadings(secretNames, answers, context),
    );
  }

  override writeSecret(
    secretName: string,
    value: string,
    options?: WriteOptions,
  ): Promise<SecretMetadata> {
    const ask = () => this.#manager.writeSecret(secretName, value, this.managerOptions(options));
    return this.call(this.context('writeSecret', secretName), ask, toMetadata);
  }

  override deleteSecret(secretName: string, options?: DeleteOptions): Promise<SecretMetadata> {
    const ask = () => this.#manager.deleteSecret(secretName, this.managerOptions(options));
    return this.call(this.context('deleteSecret', secretName), ask, toMetadata);
  }

  override describeSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretDescription> {
    const ask = () => this.#manager.describeSecret(secretName, this.managerOptions(options));
    return this.call(this.context('describeSecret', secretName), ask, toDescription);
  }

  override explainAbsence(): string {
    const explanation = attempt(() => this.#manager.explainAbsence?.());
    return typeof explanation === 'string' ? explanation : '';
  }

  override async validateEnvironment(): Promise<void> {
    const context = this.context('validateEnvironment');
    try {
      await this.#manager.validateEnvironment();
    } catch (thrown) {
      this.show(thrown, context);
      throw misconfigured(thrown, context);
    }
  }

  override checkHealth(options?: OperationOptions): Promise<boolean> {
    const ask = () => this.#manager.checkHealth(this.managerOptions(options));
    return this.call(this.context('checkHealth'), ask, toHealth);
  }

  override async close(): Promise<void> {
    if (!this.#closesManager) return;
    const ask = () => this.#manager.close();
    await this.call(this.context('close'), ask, () => undefined);
  }

  private managerOptions<Options extends OperationOptions | undefined>(options: Options): Options {
    return this.#needsNoSignal ? options : defineOwnSignal(options);
  }

  private async call<Answer, Normal>(
    context: OperationContext,
    ask: () => Promise<Answer> | Answer,
    normalise: (answer: unknown, context: OperationContext) => Normal,
  ): Promise<Normal> {
    try {
      return normalise(await ask(), context);
    } catch (thrown) {
      this.show(thrown, context);
      throw translateError(thrown, context);
    }
  }

  private toReadings(
    secretNames: readonly string[],
    answers: unknown,
    context: OperationContext,
  ): SecretReadings {
    if (!types.isMap(answers))
      throw malformed('must resolve to a Map of answers', answers, context);
    return new Map(
      secretNames.map((secretName) => [
        secretName,
        this.toReadingOrError(answers.get(secretName), { ...context, secretName }),
      ]),
    );
  }

  private toReadingOrError(answer: unknown, context: OperationContext): ReadOutcome {
    try {
      if (isErrorLike(answer)) throw answer;
      return toReading(answer, context);
    } catch (thrown) {
      this.show(thrown, context);
      return translateError(thrown, context);
    }
  }

  private show(thrown: unknown, { operation }: OperationContext): void {
    try {
      const shown: unknown = this.#debug?.(thrown, operation);
      if (types.isPromise(shown)) shown.catch(() => undefined);
    } catch {
      // a failing hook must not hide the original failure
    }
  }

  private context(operation: string, secretName?: string): OperationContext {
    return { manager: this.secretManagerName, operation, secretName };
  }
}

/** Returns `MISCONFIGURED`, even if the author chose another code, because the environment is incomplete. */
export function misconfigured(thrown: unknown, context: OperationContext): SecretManagerError {
  const withheld =
    `${context.manager} found that its environment is not complete. Its text is withheld, because it may quote a secret: ` +
    'throw a SecretManagerError to have it shown, or set the `debug` option to see the original.';
  const { message } = translateError(thrown, context);
  return new SecretManagerError(
    'MISCONFIGURED',
    isSecretManagerError(thrown) ? message : withheld,
    context,
  );
}
