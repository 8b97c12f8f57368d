import { EFFORT, type CallOptions } from '../core/cancellation';
import type { SecretReading } from '../core/custom-secret-manager';
import { secretKey } from '../core/params';
import { pause } from '../core/pause';
import { SecretManagerError, isSecretManagerError } from '../core/secret-manager.error';
import { Policy, type Pipeline, type SecretReadings } from './policy';
import type { RecentWrites } from './recent-writes';

const PAUSES_MS = [200, 400, 800] as const;

/**
 * Reads again where the store answers with what a recent write has replaced: a replica lags. After three repetitions the answer
 * is believed. A synchronous read does not wait.
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
    return this.#writes.isEmpty || !this.#writes.has(secretKey(secretName, options.params))
      ? this.inner.readSecret(secretName, options)
      : this.readUntilCaughtUp(secretName, options);
  }

  override async readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    const readings = new Map(await this.inner.readSecrets(secretNames, options));
    for (const pauseMs of PAUSES_MS) {
      const lagging = secretNames.filter((name) => {
        const reading = readings.get(name);
        return !isSecretManagerError(reading) && this.isReplaced(name, reading, options);
      });
      if (lagging.length === 0) break;
      const again = await this.readAgain(pauseMs, options, (inner) =>
        inner.readSecrets(lagging, options),
      ).catch((error: unknown) => error);
      for (const name of lagging) readings.set(name, answerOf(name, again));
    }
    return readings;
  }

  private async readUntilCaughtUp(
    secretName: string,
    options: CallOptions,
  ): Promise<SecretReading | undefined> {
    let reading = await this.inner.readSecret(secretName, options);
    for (const pauseMs of PAUSES_MS) {
      if (!this.isReplaced(secretName, reading, options)) break;
      reading = await this.readAgain(pauseMs, options, (inner) =>
        inner.readSecret(secretName, options),
      );
    }
    return reading;
  }

  /** Rejects with `UNAVAILABLE` once another write has overtaken the read: its callers ask again with those who came later. */
  private async readAgain<Answer>(
    pauseMs: number,
    options: CallOptions,
    read: (inner: Pipeline) => Promise<Answer>,
  ): Promise<Answer> {
    const context = { manager: this.secretManagerName, operation: 'readSecret' };
    if (options[EFFORT] !== 'overtaken') await pause(pauseMs, options, context);
    if (options[EFFORT] !== 'overtaken') return await read(this.inner);
    throw new SecretManagerError(
      'UNAVAILABLE',
      `${this.secretManagerName} answered from a replica that lags behind a write.`,
      context,
    );
  }

  private isReplaced(
    secretName: string,
    reading: SecretReading | undefined,
    { params }: CallOptions,
  ): boolean {
    return this.#writes.hasReplaced(secretKey(secretName, params), reading);
  }
}

/** A batch that failed as a whole failed for each of its names. */
function answerOf(name: string, outcome: unknown): SecretReading | undefined {
  return (outcome instanceof Map ? outcome.get(name) : outcome) as SecretReading | undefined;
}
