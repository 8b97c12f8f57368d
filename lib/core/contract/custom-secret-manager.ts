import { hasBrand } from '../errors/brand';
import { isErrorLike } from '../errors/safe-access';
import { SecretManagerError } from '../errors/secret-manager.error';
import { inParallel } from '../time/in-parallel';
import type { Fallback } from './fallback';

/**
 * The answer of a manager: the value, or a reading. `null` and `undefined` mean that the store has no such
 * secret.
 */
export type SecretAnswer = string | SecretReading | null | undefined;

export interface SecretReading {
  readonly value: string;
  /** The store's own name for this state of the secret. */
  readonly version?: string;
  /** The lease: the time for which the value may be used, in milliseconds. No cache outlives it. */
  readonly validForMs?: number;
}

export interface OperationOptions {
  /**
   * Plain JSON that reaches the manager unchanged: a tenant's mount, a version, a stage. It is part of every
   * cache key.
   */
  readonly params?: Readonly<Record<string, unknown>>;
  /** The time left until the deadline, in milliseconds. Default of a call: 30 000 (health: 10 000). */
  readonly timeoutMs?: number;
  /**
   * Cancels the call. The signal of a manager aborts at the deadline, and when its caller aborts. The signal of
   * a shared call aborts when the last caller has left. The signal is created on the first access.
   */
  readonly signal?: AbortSignal;
}

export interface WriteOptions extends OperationOptions {
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Fails with `CONFLICT` if the secret exists. */
  readonly createOnly?: boolean;
}

export interface DeleteOptions extends OperationOptions {
  /**
   * The number of days for which a deleted secret stays restorable. Default 7. 0 deletes at once, if the store
   * can.
   */
  readonly recoveryWindowInDays?: number;
}

export interface SecretDescription {
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** The facts that a store reports about a write or a deletion, never the value. */
export interface SecretMetadata {
  readonly version?: string;
  readonly createdAt?: Date;
  /** The time at which the store removes the deleted secret. */
  readonly deletionAt?: Date;
  /**
   * `false` if the other instances of the fleet could not be told, because this one is cut off, or its messages fail.
   * They hear of the write when it can publish again, or when their own `ttlMs` ends. Set by the library.
   */
  readonly announced?: false;
}

/** The facts of a registration that concern the store. */
export interface RegistrationFacts {
  /** The names known so far for which the manager is asked: of `hostedKeys`, `preload` and `forFeature`. */
  readonly secretNames: readonly string[];
  /** The prefix of the stored virtual keys, as `litellm/`. `undefined` if none are stored. */
  readonly virtualKeyPrefix: string | undefined;
  /** The option `fallback`. */
  readonly fallback: Fallback;
  /** The description of the settings, which a write passes unless its call gives one. */
  readonly description?: string;
  /** The tags of the settings, which a write passes beside those of its call. */
  readonly tags?: Readonly<Record<string, string>>;
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

/** The number of days for which a deleted secret stays restorable, unless the call gives another. */
export const DEFAULT_RECOVERY_WINDOW_IN_DAYS = 7;

/**
 * The contract between an application and its secret store. Extend the class, implement `readSecret`, and
 * register it with `SecretManagerModule`. Each policy of the pipeline extends it, too.
 *
 * Errors: throw the error of the client as it is; the library translates it. Throw a `StoreResponseError` for
 * an HTTP status that is a failure, and a {@link SecretManagerError} to choose the code. Return `undefined`
 * only if the store said that it has no such secret.
 */
export abstract class CustomSecretManager {
  /** @param secretManagerName the name in errors, logs and health; default: the name of the class */
  constructor(readonly secretManagerName: string = new.target.name) {}

  /** Resolves to the value, or to `undefined` if the store has no such secret. */
  abstract readSecret(secretName: string, options?: OperationOptions): Promise<SecretAnswer>;

  /** Reads a secret as `readSecret` does, and blocks the event loop. Default: `UNSUPPORTED`. */
  readSecretSync(secretName: string, _options?: OperationOptions): SecretAnswer {
    throw unsupported(
      this,
      'readSecretSync',
      secretName,
      'Override readSecretSync(), or read the name ahead with `preload`',
    );
  }

  /**
   * Resolves to one answer or one error per name, without the missing names. Default: calls `readSecret` for
   * each, 16 at a time.
   */
  async readSecrets(
    secretNames: readonly string[],
    options?: OperationOptions,
  ): Promise<ReadonlyMap<string, SecretAnswer | Error>> {
    const answers = new Map<string, SecretAnswer | Error>();
    await inParallel([...new Set(secretNames)], PARALLEL_READS, async (name) => {
      answers.set(name, await this.answerOrError(name, options));
    });
    return answers;
  }

  /**
   * Creates or updates the secret, and restores one that is pending deletion. A field that is `undefined` in
   * `options` stays unchanged. With `createOnly` the method throws `CONFLICT` if the secret exists. Default:
   * `UNSUPPORTED`.
   */
  writeSecret(
    secretName: string,
    _value: string,
    _options?: WriteOptions,
  ): Promise<SecretMetadata | void> {
    return Promise.reject(unsupported(this, 'writeSecret', secretName));
  }

  /** Deletes the secret. A missing secret is no error. Default: `UNSUPPORTED`. */
  deleteSecret(secretName: string, _options?: DeleteOptions): Promise<SecretMetadata | void> {
    return Promise.reject(unsupported(this, 'deleteSecret', secretName));
  }

  /** Resolves to the description and the tags, which a rename keeps. Default: nothing. */
  describeSecret(_secretName: string, _options?: OperationOptions): Promise<SecretDescription> {
    return Promise.resolve({});
  }

  /**
   * Throws if something that the manager needs is missing. Called once, before the first read. Default: does
   * nothing.
   */
  validateEnvironment(): void | Promise<void> {
    // needs nothing
  }

  /**
   * Throws if the store cannot serve the registration, such as two names that mean the same secret there. Called before
   * `validateEnvironment`, and again for the names of each `forFeature`. Default: none.
   */
  validateRegistration?(facts: RegistrationFacts): void;

  /** Returns a sentence for `NOT_FOUND`: what an absence can mean in this store. Default: none. */
  explainAbsence?(): string;

  /** Resolves to `true` if the store can serve this application. Default: `true`. */
  checkHealth(_options?: OperationOptions): Promise<boolean> {
    return Promise.resolve(true);
  }

  /**
   * Reports secrets that have changed in the store, until `signal` aborts at the shutdown. Implement it for a store
   * that pushes. A rejection calls it again, after 1 s doubling to 30 s; a promise that resolves ends nothing.
   *
   * `onChange` expires the secrets in this instance, so that they are read again. With `announce: true` the other
   * instances of the fleet hear of them, too. It throws `INVALID_ARGUMENT` for what is no list of names.
   */
  watchSecrets?(
    onChange: (secretNames: readonly string[], options?: { readonly announce?: boolean }) => void,
    options: { readonly signal: AbortSignal },
  ): void | Promise<void>;

  /**
   * Releases the resources of the manager. Called once at shutdown, with 5 seconds to finish. Default: does
   * nothing.
   */
  close(): void | Promise<void> {
    // holds nothing
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

/** Recognises a manager by its brand, so that a class that extends another copy of this package counts, too. */
export function isCustomSecretManager(candidate: unknown): candidate is CustomSecretManager {
  return hasBrand(candidate, BRAND);
}

/** Returns whether the manager overrides the default of an `operation`. */
export function implementsOperation(
  manager: CustomSecretManager,
  operation: OptionalOperation,
): boolean {
  return !(DEFAULT in (Reflect.get(manager, operation) as object));
}

/** Returns the error for an operation that a manager does not implement. */
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
