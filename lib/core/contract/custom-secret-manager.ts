import { hasBrand } from '../errors/brand';
import { isErrorLike } from '../errors/safe-access';
import { SecretManagerError } from '../errors/secret-manager.error';

/** What a manager answers: the value, or a reading. `null` and `undefined` mean that the store has no such secret. */
export type SecretAnswer = string | SecretReading | null | undefined;

export interface SecretReading {
  readonly value: string;
  /** The store's own name for this state of the secret. */
  readonly version?: string;
  /** A lease: for how many milliseconds the value may be used. No cache outlives it. */
  readonly validForMs?: number;
}

export interface OperationOptions {
  /** Plain JSON, handed to the manager untouched: a tenant's mount, a version, a stage. Part of every cache key. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** What is left of the deadline, in milliseconds. Default of a call: 30 000 (health: 10 000). */
  readonly timeoutMs?: number;
  /**
   * Ends the call early. A manager receives one that is aborted at the deadline, at the caller's abort, and when the last
   * of several waiting callers has left; it is made when it is first read.
   */
  readonly signal?: AbortSignal;
}

export interface WriteOptions extends OperationOptions {
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Fail with `CONFLICT` if the secret exists. */
  readonly createOnly?: boolean;
}

export interface DeleteOptions extends OperationOptions {
  /** For how many days the store keeps the secret restorable. Default 7; 0 means at once, where the store can. */
  readonly recoveryWindowInDays?: number;
}

export interface SecretDescription {
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** What a store says about a write or a deletion. Never the value. */
export interface SecretMetadata {
  readonly version?: string;
  readonly createdAt?: Date;
  /** When the store will remove what was deleted. */
  readonly deletionAt?: Date;
}

/** The methods that a manager may leave out. */
export type OptionalOperation = (typeof OPTIONAL_OPERATIONS)[number];

const OPTIONAL_OPERATIONS = [
  'readSecretSync',
  'readSecrets',
  'writeSecret',
  'deleteSecret',
  'describeSecret',
  'checkHealth',
] as const satisfies readonly (keyof CustomSecretManager)[];

const BRAND = Symbol.for('nestjs-custom-secret-manager/manager');
const DEFAULT = Symbol.for('nestjs-custom-secret-manager/default-implementation');
const PARALLEL_READS = 16;

/** For how long a store keeps what is deleted, unless the call says otherwise. */
export const DEFAULT_RECOVERY_WINDOW_IN_DAYS = 7;

/**
 * The contract between an application and its secret store: extend it, implement `readSecret`, and register the class
 * with `SecretManagerModule`. A policy of the pipeline is one, too.
 *
 * Errors: throw what comes; it is translated in one place. Throw a `StoreResponseError` for an HTTP status that is a
 * failure, and a {@link SecretManagerError} to choose the code. Answer `undefined` only if the store said that it has no
 * such secret.
 */
export abstract class CustomSecretManager {
  /** @param secretManagerName stands in errors, logs and health; default: the name of the class */
  constructor(readonly secretManagerName: string = new.target.name) {}

  /** Resolves to the value, or to `undefined` if the store has no such secret. */
  abstract readSecret(secretName: string, options?: OperationOptions): Promise<SecretAnswer>;

  /** As `readSecret`, blocking. Default: `UNSUPPORTED`. */
  readSecretSync(secretName: string, _options?: OperationOptions): SecretAnswer {
    throw unsupported(
      this,
      'readSecretSync',
      secretName,
      'Override readSecretSync(), or read the name ahead with `preload`',
    );
  }

  /**
   * Resolves to one answer or one error per name; a name that is missing is absent. Default: `readSecret` for each, 16 at
   * a time.
   */
  async readSecrets(
    secretNames: readonly string[],
    options?: OperationOptions,
  ): Promise<ReadonlyMap<string, SecretAnswer | Error>> {
    const answers = new Map<string, SecretAnswer | Error>();
    const names = new Set(secretNames).values();
    const readTheNext = async (): Promise<void> => {
      for (const name of names) {
        answers.set(name, await this.answerOrError(name, options));
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_READS }, readTheNext));
    return answers;
  }

  /**
   * Creates or updates the secret and restores one that is pending deletion. Leaves alone what is `undefined` in
   * `options`. With `createOnly` it throws `CONFLICT` if the secret exists. Default: `UNSUPPORTED`.
   */
  writeSecret(
    secretName: string,
    _value: string,
    _options?: WriteOptions,
  ): Promise<SecretMetadata | void> {
    return Promise.reject(unsupported(this, 'writeSecret', secretName));
  }

  /** Deletes the secret; one that is missing is no error. Default: `UNSUPPORTED`. */
  deleteSecret(secretName: string, _options?: DeleteOptions): Promise<SecretMetadata | void> {
    return Promise.reject(unsupported(this, 'deleteSecret', secretName));
  }

  /** Resolves to what a rename has to keep. Default: nothing. */
  describeSecret(_secretName: string, _options?: OperationOptions): Promise<SecretDescription> {
    return Promise.resolve({});
  }

  /** Called once, before the first read: throws if something that the manager needs is missing. Default: nothing. */
  validateEnvironment(): void | Promise<void> {
    // nothing is needed
  }

  /** Resolves to whether the store can serve this application. Default: `true`. */
  checkHealth(_options?: OperationOptions): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Called once at shutdown, and given 5 seconds. Default: nothing. */
  close(): void | Promise<void> {
    // nothing is held
  }

  private async answerOrError(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretAnswer | Error> {
    try {
      return await this.readSecret(secretName, options);
    } catch (thrown) {
      return isErrorLike(thrown) ? thrown : new Error('something was thrown that is not an Error');
    }
  }
}

/** Tells a manager by its brand, so that a class that extends another copy of this package counts too. */
export function isCustomSecretManager(candidate: unknown): candidate is CustomSecretManager {
  return hasBrand(candidate, BRAND);
}

/** Whether the manager has an `operation` of its own, and not the default. */
export function implementsOperation(
  manager: CustomSecretManager,
  operation: OptionalOperation,
): boolean {
  return !(DEFAULT in (Reflect.get(manager, operation) as object));
}

/** The error for an operation that a manager leaves out. */
export function unsupported(
  { secretManagerName: manager }: CustomSecretManager,
  operation: OptionalOperation,
  secretName: string,
  remedy = `Override ${operation}()`,
): SecretManagerError {
  return new SecretManagerError(
    'UNSUPPORTED',
    `${manager} does not implement ${operation}(). ${remedy}.`,
    { secretName, manager, operation },
  );
}

Object.defineProperty(CustomSecretManager.prototype, BRAND, { value: true });
for (const operation of OPTIONAL_OPERATIONS) {
  const byDefault = Reflect.get(CustomSecretManager.prototype, operation) as object;
  Object.defineProperty(byDefault, DEFAULT, { value: true });
}
