import type { CallOptions } from '../core/calls/cancellation';
import {
  CustomSecretManager,
  type DeleteOptions,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../core/contract/custom-secret-manager';
import type { OperationContext, SecretManagerError } from '../core/errors/secret-manager.error';

/** The deadline of a health check that gives no `timeoutMs`, in milliseconds. */
export const HEALTH_TIMEOUT_MS = 10_000;

/** The answer of one read, or its failure. */
export type ReadOutcome = SecretReading | SecretManagerError | undefined;

export type SecretReadings = ReadonlyMap<string, ReadOutcome>;

/** A manager that returns normalised answers, and throws only `SecretManagerError`. */
export interface Pipeline extends CustomSecretManager {
  readSecret(secretName: string, options?: CallOptions): Promise<SecretReading | undefined>;
  readSecretSync(secretName: string, options?: CallOptions): SecretReading | undefined;
  readSecrets(secretNames: readonly string[], options?: CallOptions): Promise<SecretReadings>;
  writeSecret(secretName: string, value: string, options?: WriteOptions): Promise<SecretMetadata>;
  deleteSecret(secretName: string, options?: DeleteOptions): Promise<SecretMetadata>;
}

/** The operations that {@link Policy.around} sees. */
export type Operation =
  | 'readSecret'
  | 'readSecrets'
  | 'writeSecret'
  | 'deleteSecret'
  | 'describeSecret'
  | 'checkHealth'
  | 'validateEnvironment';

export const WRITES: ReadonlySet<Operation> = new Set(['writeSecret', 'deleteSecret'] as const);

/** The name or the names that an operation is about, if there are any. */
export type Subject = string | readonly string[] | undefined;

/** Passes an operation on to the next policy. */
export type Ask<About extends Subject, Answer> = (
  inner: Pipeline,
  subject: About,
  options: CallOptions,
) => Promise<Answer>;

// Constants, because a closure per call would stay in memory as long as the call.

const readSecret: Ask<string, SecretReading | undefined> = (inner, secretName, options) =>
  inner.readSecret(secretName, options);

const readSecrets: Ask<readonly string[], SecretReadings> = (inner, secretNames, options) =>
  inner.readSecrets(secretNames, options);

const describeSecret: Ask<string, SecretDescription> = (inner, secretName, options) =>
  inner.describeSecret(secretName, options);

const checkHealth: Ask<undefined, boolean> = (inner, _, options) => inner.checkHealth(options);

const validateEnvironment: Ask<undefined, void> = async (inner) => inner.validateEnvironment();

/**
 * A secret manager that wraps another one, and passes every operation on. A subclass overrides single
 * operations, or {@link around} for all asynchronous ones.
 */
export abstract class Policy extends CustomSecretManager implements Pipeline {
  readonly #inner: Pipeline;

  constructor(inner: Pipeline) {
    super(inner.secretManagerName);
    this.#inner = inner;
  }

  protected get inner(): Pipeline {
    return this.#inner;
  }

  /** Runs one asynchronous operation. `ask` passes the operation on to the next policy. */
  protected around<About extends Subject, Answer>(
    _operation: Operation,
    subject: About,
    options: CallOptions,
    ask: Ask<About, Answer>,
  ): Promise<Answer> {
    return ask(this.#inner, subject, options);
  }

  /** Reads each name by itself through this policy, 16 at a time. */
  protected readEach(
    secretNames: readonly string[],
    options?: CallOptions,
  ): Promise<SecretReadings> {
    return super.readSecrets(secretNames, options) as Promise<SecretReadings>;
  }

  protected context(operation: string, secretName?: string): OperationContext {
    return { manager: this.secretManagerName, operation, secretName };
  }

  override readSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretReading | undefined> {
    return this.around('readSecret', secretName, options, readSecret);
  }

  override readSecretSync(secretName: string, options?: CallOptions): SecretReading | undefined {
    return this.#inner.readSecretSync(secretName, options);
  }

  override readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    return this.around('readSecrets', secretNames, options, readSecrets);
  }

  override writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    return this.around('writeSecret', secretName, options, (inner, name, given) =>
      inner.writeSecret(name, value, given),
    );
  }

  override deleteSecret(secretName: string, options: DeleteOptions = {}): Promise<SecretMetadata> {
    return this.around('deleteSecret', secretName, options, (inner, name, given) =>
      inner.deleteSecret(name, given),
    );
  }

  override describeSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretDescription> {
    return this.around('describeSecret', secretName, options, describeSecret);
  }

  override explainAbsence(): string {
    return this.#inner.explainAbsence?.() ?? '';
  }

  override validateEnvironment(): Promise<void> {
    return this.around('validateEnvironment', undefined, {}, validateEnvironment);
  }

  override checkHealth(options: CallOptions = {}): Promise<boolean> {
    return this.around('checkHealth', undefined, options, checkHealth);
  }

  override close(): void | Promise<void> {
    return this.#inner.close();
  }
}

/** Returns the failure of one read as its outcome, beside the answers of other reads. */
export function asOutcome(error: unknown): SecretManagerError {
  return error as SecretManagerError; // the pipeline throws nothing else
}

/** Returns the answer of a synchronous read, or its failure as its outcome. */
export function outcomeOf<Answer>(read: () => Answer): Answer | SecretManagerError {
  try {
    return read();
  } catch (error) {
    return asOutcome(error);
  }
}
