import {
  CustomSecretManager,
  type DeleteOptions,
  type OperationOptions,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../core/contract/custom-secret-manager';
import {
  SecretManagerError,
  type SecretManagerErrorCode,
} from '../core/errors/secret-manager.error';
import { quoteName } from '../core/errors/wording';
import { DAY_MS } from '../core/time/durations';
import { GivenFault, type Fault, type FaultOptions, type RecordedCall } from './given-fault';

interface StoredSecret extends SecretDescription {
  readonly value: string;
  readonly version: string;
  readonly createdAt: Date;
  readonly deletionAt?: Date;
}

/**
 * A complete secret store in memory, for tests. It has versions, descriptions, a recovery window and a synchronous
 * read. It can be made slow or faulty, and records its calls.
 */
export class InMemorySecretManager extends CustomSecretManager {
  readonly #secrets = new Map<string, StoredSecret>();
  readonly #calls: RecordedCall[] = [];
  #writes = 0;
  #delayMs = 0;
  readonly #fault = new GivenFault();
  #isClosed = false;

  constructor(secrets: Readonly<Record<string, string>> = {}, secretManagerName = 'in-memory') {
    super(secretManagerName);
    for (const [name, value] of Object.entries(secrets)) this.rotate(name, value);
  }

  /** All calls so far, oldest first. They hold no values. */
  get calls(): readonly RecordedCall[] {
    return this.#calls;
  }

  /** Changes a secret in the store, without a call of the application. Creates a missing secret. */
  rotate(secretName: string, value: string): void {
    this.store(secretName, value, {});
  }

  /** Removes a secret from the store, without a call of the application. */
  remove(secretName: string): void {
    this.#secrets.delete(secretName);
  }

  /**
   * Breaks the store with a fault, an error code, or an error to throw. Default `unavailable`. `fail(undefined)`
   * heals it, as in a conformance harness.
   */
  fail(
    ...given: [what?: Fault | SecretManagerErrorCode | Error | undefined, options?: FaultOptions]
  ): void {
    const [what, options = {}] = given;
    this.#fault.set(given.length === 0 ? 'unavailable' : what, options);
  }

  heal(): void {
    this.#fault.clear();
  }

  /** Makes every asynchronous call take at least `delayMs` milliseconds. */
  delay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  override async readSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretReading | undefined> {
    const fault = await this.simulate({ operation: 'readSecret', secretName, options });
    return fault === 'malformed' ? NONSENSE : this.reading(secretName);
  }

  override readSecretSync(
    secretName: string,
    options?: OperationOptions,
  ): SecretReading | undefined {
    const fault = this.record({ operation: 'readSecretSync', secretName, options });
    return fault === 'malformed' ? NONSENSE : this.reading(secretName);
  }

  override async writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    await this.simulate({ operation: 'writeSecret', secretName, options });
    if (options.createOnly && this.reading(secretName) !== undefined) {
      throw new SecretManagerError('CONFLICT', `${quoteName(secretName)} exists already.`);
    }
    const { version, createdAt } = this.store(secretName, value, options);
    return { version, createdAt };
  }

  override async deleteSecret(
    secretName: string,
    options: DeleteOptions = {},
  ): Promise<SecretMetadata> {
    await this.simulate({ operation: 'deleteSecret', secretName, options });
    const secret = this.#secrets.get(secretName);
    const { recoveryWindowInDays = 7 } = options;
    if (secret === undefined || recoveryWindowInDays === 0) {
      this.#secrets.delete(secretName);
      return {};
    }
    const deletionAt = new Date(Date.now() + recoveryWindowInDays * DAY_MS);
    this.#secrets.set(secretName, { ...secret, deletionAt });
    return { deletionAt };
  }

  override async describeSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretDescription> {
    await this.simulate({ operation: 'describeSecret', secretName, options });
    const { description, tags } = this.#secrets.get(secretName) ?? {};
    return { description, tags };
  }

  override async checkHealth(options?: OperationOptions): Promise<boolean> {
    await this.simulate({ operation: 'checkHealth', options });
    return true;
  }

  override close(): void {
    this.#isClosed = true;
  }

  private reading(secretName: string): SecretReading | undefined {
    const secret = this.#secrets.get(secretName);
    if (secret === undefined || secret.deletionAt !== undefined) return undefined;
    return { value: secret.value, version: secret.version };
  }

  private store(
    secretName: string,
    value: string,
    { description, tags }: SecretDescription,
  ): StoredSecret {
    const before = this.#secrets.get(secretName);
    this.#writes += 1;
    const stored = {
      value,
      version: String(this.#writes),
      createdAt: before?.createdAt ?? new Date(),
      description: description ?? before?.description,
      tags: tags ?? before?.tags,
    };
    this.#secrets.set(secretName, stored);
    return stored;
  }

  private async simulate(call: RecordedCall): Promise<ReturnType<GivenFault['strike']>> {
    const fault = this.record(call);
    if (fault === 'hanging') await rejectOnAbort(call.options?.signal);
    if (this.#delayMs > 0) await pause(this.#delayMs, call.options?.signal);
    return fault;
  }

  /** Records a call. Throws the current fault, or returns a fault that shows in another way. */
  private record(call: RecordedCall): ReturnType<GivenFault['strike']> {
    this.#calls.push(call);
    if (this.#isClosed) throw new SecretManagerError('UNAVAILABLE', 'The store was closed.');
    return this.#fault.strike(call);
  }
}

/** An answer that no manager may give. A test double must be able to give it. */
const NONSENSE = 42 as unknown as SecretReading;

function rejectOnAbort(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(aborted());
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, delayMs);
  });
  await Promise.race([passed, rejectOnAbort(signal)]).finally(() => clearTimeout(timer));
}

function aborted(): SecretManagerError {
  return new SecretManagerError('CANCELLED', 'The call was ended.');
}
