import type { CallOptions } from '../core/calls/cancellation';
import {
  CustomSecretManager,
  type DeleteOptions,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../core/contract/custom-secret-manager';
import type { SecretManagerError } from '../core/errors/secret-manager.error';

/** How long a store may take to say that it is healthy, unless the call says otherwise. */
export const HEALTH_TIMEOUT_MS = 10_000;

export type SecretReadings = ReadonlyMap<string, SecretReading | SecretManagerError | undefined>;

/** A manager whose answers are in their normal form, and whose every failure is a `SecretManagerError`. */
export interface Pipeline extends CustomSecretManager {
  readSecret(secretName: string, options?: CallOptions): Promise<SecretReading | undefined>;
  readSecretSync(secretName: string, options?: CallOptions): SecretReading | undefined;
  readSecrets(secretNames: readonly string[], options?: CallOptions): Promise<SecretReadings>;
  writeSecret(secretName: string, value: string, options?: WriteOptions): Promise<SecretMetadata>;
  deleteSecret(secretName: string, options?: DeleteOptions): Promise<SecretMetadata>;
}

/** An operation as a policy hands it on. One for all its calls: a closure for each would be held as long as it lasts. */
export type Ask<Subject, Answer> = (
  inner: Pipeline,
  subject: Subject,
  options: CallOptions,
) => Promise<Answer>;

export const readSecret: Ask<string, SecretReading | undefined> = (inner, secretName, options) =>
  inner.readSecret(secretName, options);

export const readSecrets: Ask<readonly string[], SecretReadings> = (inner, secretNames, options) =>
  inner.readSecrets(secretNames, options);

export const describeSecret: Ask<string, SecretDescription> = (inner, secretName, options) =>
  inner.describeSecret(secretName, options);

/** A policy wraps a secret manager and is one. By itself it hands everything on; a subclass overrides what it changes. */
export abstract class Policy extends CustomSecretManager implements Pipeline {
  readonly #inner: Pipeline;

  constructor(inner: Pipeline) {
    super(inner.secretManagerName);
    this.#inner = inner;
  }

  protected get inner(): Pipeline {
    return this.#inner;
  }

  /** Reads name by name through this policy, 16 at a time. */
  protected readEach(
    secretNames: readonly string[],
    options?: CallOptions,
  ): Promise<SecretReadings> {
    return super.readSecrets(secretNames, options) as Promise<SecretReadings>;
  }

  override readSecret(
    secretName: string,
    options?: CallOptions,
  ): Promise<SecretReading | undefined> {
    return this.#inner.readSecret(secretName, options);
  }

  override readSecretSync(secretName: string, options?: CallOptions): SecretReading | undefined {
    return this.#inner.readSecretSync(secretName, options);
  }

  override readSecrets(
    secretNames: readonly string[],
    options?: CallOptions,
  ): Promise<SecretReadings> {
    return this.#inner.readSecrets(secretNames, options);
  }

  override writeSecret(
    secretName: string,
    value: string,
    options?: WriteOptions,
  ): Promise<SecretMetadata> {
    return this.#inner.writeSecret(secretName, value, options);
  }

  override deleteSecret(secretName: string, options?: DeleteOptions): Promise<SecretMetadata> {
    return this.#inner.deleteSecret(secretName, options);
  }

  override describeSecret(secretName: string, options?: CallOptions): Promise<SecretDescription> {
    return this.#inner.describeSecret(secretName, options);
  }

  override validateEnvironment(): void | Promise<void> {
    return this.#inner.validateEnvironment();
  }

  override checkHealth(options?: CallOptions): Promise<boolean> {
    return this.#inner.checkHealth(options);
  }

  override close(): void | Promise<void> {
    return this.#inner.close();
  }
}

/** The failure of one read of several, to stand beside the answers of the others. */
export function asOutcome(error: unknown): SecretManagerError {
  return error as SecretManagerError; // nothing else rejects inside the pipeline
}
