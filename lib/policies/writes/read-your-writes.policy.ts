import { ATTEMPTS, type CallOptions } from '../../core/calls/cancellation';
import { pause } from '../../core/calls/waiting';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { SecretManagerError, isSecretManagerError } from '../../core/errors/secret-manager.error';
import { secretKey } from '../../core/validation/params';
import { Policy, type Pipeline, type SecretReadings } from '../policy';
import type { RecentWrites } from './recent-writes';

const PAUSES_MS = [200, 400, 800] as const;

/**
 * Reads again where the store may answer with what a recent write has replaced: a replica lags. After three repetitions the
 * answer is believed. A batch does not wait: such a secret fails with {@link LaggingReplicaError}, and is to be read alone. A
 * synchronous read does not wait, either.
 */
export class ReadYourWritesPolicy extends Policy {
  readonly #writes: RecentWrites;

  constructor(inner: Pipeline, writes: RecentWrites) {
    super(inner);
    this.#writes = writes;
  }

  override readSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretReading | undefined> {
    const wasWritten =
      !this.#writes.isEmpty && this.#writes.has(secretKey(secretName, options.params));
    return wasWritten
      ? this.readUntilCaughtUp(secretName, options)
      : this.inner.readSecret(secretName, options);
  }

  override async readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    const readings = await this.inner.readSecrets(secretNames, options);
    if (this.#writes.isEmpty) return readings;
    return new Map(
      Array.from(readings, ([secretName, reading]) => {
        const isAnswer = !isSecretManagerError(reading);
        const isDoubted = isAnswer && this.isDoubted(secretName, reading, options);
        return [secretName, isDoubted ? this.lagging(secretName) : reading];
      }),
    );
  }

  private async readUntilCaughtUp(
    secretName: string,
    options: CallOptions,
  ): Promise<SecretReading | undefined> {
    for (const pauseMs of PAUSES_MS) {
      const reading = await this.inner.readSecret(secretName, options);
      if (!this.isDoubted(secretName, reading, options)) return reading;
      if (!isOvertaken(options))
        await pause(pauseMs, options, this.context('readSecret', secretName));
      // its callers ask again with those who came after the write that has overtaken it
      if (isOvertaken(options)) throw this.lagging(secretName);
    }
    return await this.inner.readSecret(secretName, options);
  }

  private isDoubted(
    secretName: string,
    reading: SecretReading | undefined,
    { params }: CallOptions,
  ): boolean {
    return this.#writes.mayBeReplaced(secretKey(secretName, params), reading);
  }

  private lagging(secretName: string): LaggingReplicaError {
    const message = `${this.secretManagerName} answered from a replica that lags behind a write.`;
    return new LaggingReplicaError('UNAVAILABLE', message, this.context('readSecret', secretName));
  }
}

/** The store answered with what a write has replaced, and was not asked again. */
export class LaggingReplicaError extends SecretManagerError {}

function isOvertaken({ [ATTEMPTS]: effort }: CallOptions): boolean {
  return effort === 'overtaken';
}
