import { ATTEMPTS, type CallOptions } from '../../core/calls/cancellation';
import { pause } from '../../core/calls/waiting';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { SecretManagerError, isSecretManagerError } from '../../core/errors/secret-manager.error';
import { secretKey } from '../../core/validation/params';
import { now } from '../../core/time/clock';
import { Policy, type Pipeline, type SecretReadings } from '../policy';
import type { RecentChanges } from './recent-changes';
import type { RecentWrites } from './recent-writes';

const PAUSES_MS = [200, 400, 800] as const;

/**
 * Reads again if the store may have answered with a value that a recent write replaced, because a replica lags.
 * The write was one of this instance, or was announced by another one. The answer of the third retry is accepted, and
 * of an announced change also the last answer that the deadline of the call permits.
 *
 * A batch does not wait: such a secret fails with {@link LaggingReplicaError}, and must be read alone. A
 * synchronous read does not wait, either.
 */
export class ReadYourWritesPolicy extends Policy {
  readonly #writes: RecentWrites;
  readonly #changes: RecentChanges;

  constructor(inner: Pipeline, writes: RecentWrites, changes: RecentChanges) {
    super(inner);
    this.#writes = writes;
    this.#changes = changes;
  }

  override readSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretReading | undefined> {
    const isQuiet = this.#writes.isEmpty && this.#changes.isEmpty;
    return !isQuiet && this.hasChanged(secretKey(secretName, options.params))
      ? this.readUntilCaughtUp(secretName, options)
      : this.inner.readSecret(secretName, options);
  }

  override async readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    const readings = await this.inner.readSecrets(secretNames, options);
    if (this.#writes.isEmpty && this.#changes.isEmpty) return readings;
    return new Map(
      Array.from(readings, ([secretName, reading]) => {
        const isAnswer = !isSecretManagerError(reading);
        const key = secretKey(secretName, options.params);
        const isSuspect = isAnswer && this.isSuspect(key, reading);
        return [secretName, isSuspect ? this.lagging(secretName) : reading];
      }),
    );
  }

  private async readUntilCaughtUp(
    secretName: string,
    options: CallOptions,
  ): Promise<SecretReading | undefined> {
    const key = secretKey(secretName, options.params);
    for (const pauseMs of PAUSES_MS) {
      const startedAt = now();
      const reading = await this.inner.readSecret(secretName, options);
      if (!this.isSuspect(key, reading)) return reading;
      const nextMs = pauseMs + now() - startedAt;
      const isTooLate = nextMs >= (options.timeoutMs ?? Infinity);
      if (isTooLate && !this.#writes.mayBeReplaced(key, reading)) return reading;
      if (!isOvertaken(options))
        await pause(pauseMs, options, this.context('readSecret', secretName));
      // the callers start a fresh read, together with the callers that came after the write
      if (isOvertaken(options)) throw this.lagging(secretName);
    }
    return await this.inner.readSecret(secretName, options);
  }

  private isSuspect(key: string, reading: SecretReading | undefined): boolean {
    return this.#writes.mayBeReplaced(key, reading) || this.#changes.isBefore(key, reading);
  }

  private hasChanged(key: string): boolean {
    return this.#writes.has(key) || this.#changes.has(key);
  }

  private lagging(secretName: string): LaggingReplicaError {
    const message = `${this.secretManagerName} answered from a replica that lags behind a write.`;
    return new LaggingReplicaError('UNAVAILABLE', message, this.context('readSecret', secretName));
  }
}

/** The error of an answer that a write has replaced, and that was not read again. */
export class LaggingReplicaError extends SecretManagerError {}

function isOvertaken({ [ATTEMPTS]: attempts }: CallOptions): boolean {
  return attempts === 'overtaken';
}
