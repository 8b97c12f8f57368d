import { EFFORT, type CallOptions } from '../core/calls/cancellation';
import { pause } from '../core/calls/waiting';
import type { SecretDescription, SecretReading } from '../core/contract/custom-secret-manager';
import {
  isSecretManagerError,
  isTransient,
  type SecretManagerError,
} from '../core/errors/secret-manager.error';
import { backoffMs, jittered } from '../core/time/backoff';
import {
  Policy,
  describeSecret,
  readSecret,
  type Ask,
  type Pipeline,
  type SecretReadings,
} from './policy';

export interface RetryOptions {
  /** The first attempt included. Default 3. */
  readonly maxAttempts?: number;
  /** The longest first pause, in milliseconds; it doubles from one to the next. Default 200. */
  readonly baseDelayMs?: number;
  /** The longest pause, in milliseconds. Default 5 000. */
  readonly maxDelayMs?: number;
  /** How many repetitions a call earns in the long run, so that an outage does not multiply the load. Default 0.1. */
  readonly budgetRatio?: number;
}

const BUDGET = 100;

/**
 * Repeats a read that failed transiently, within the call's deadline. Writes are not repeated: their outcome is unknown.
 *
 * Full jitter: clients that failed together must not come back together.
 */
export class RetryPolicy extends Policy {
  readonly #options: Required<RetryOptions>;
  #budget = BUDGET;

  constructor(
    inner: Pipeline,
    {
      maxAttempts = 3,
      baseDelayMs = 200,
      maxDelayMs = 5_000,
      budgetRatio = 0.1,
    }: RetryOptions = {},
  ) {
    super(inner);
    this.#options = { maxAttempts, baseDelayMs, maxDelayMs, budgetRatio };
  }

  override readSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretReading | undefined> {
    return this.repeat(secretName, options, readSecret);
  }

  override describeSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretDescription> {
    return this.repeat(secretName, options, describeSecret);
  }

  /** Repeats the whole batch if it failed as a whole, and those names alone that failed by themselves. */
  override readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    const readings = new Map<string, SecretReading | SecretManagerError | undefined>();
    let pending = secretNames;
    const readThePending = async (): Promise<SecretReadings> => {
      const answers = await this.inner.readSecrets(pending, options);
      for (const [name, answer] of answers) readings.set(name, answer);
      pending = pending.filter((name) => isTransient(readings.get(name)));
      const failure = pending.map((name) => readings.get(name)).find(isSecretManagerError);
      if (failure !== undefined) throw failure;
      return readings;
    };
    return this.repeat(secretNames, options, readThePending).catch((error: unknown) => {
      if (readings.size === 0) throw error;
      if (isSecretManagerError(error)) for (const name of pending) readings.set(name, error);
      return readings;
    });
  }

  private async repeat<Subject, Answer>(
    subject: Subject,
    options: CallOptions,
    ask: Ask<Subject, Answer>,
  ): Promise<Answer> {
    const { maxAttempts, budgetRatio } = this.#options;
    this.#budget = Math.min(BUDGET, this.#budget + budgetRatio);
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask(this.inner, subject, options);
      } catch (error) {
        if (options[EFFORT] !== undefined || attempt >= maxAttempts) throw error;
        if (!isTransient(error)) throw error;
        const delayMs = this.delayAfter(attempt, error as SecretManagerError);
        if (this.#budget < 1 || delayMs >= (options.timeoutMs ?? Infinity)) throw error;
        this.#budget -= 1;
        await pause(delayMs, options, { manager: this.secretManagerName, operation: 'readSecret' });
        if (options[EFFORT] !== undefined) throw error; // a write has overtaken it meanwhile
      }
    }
  }

  private delayAfter(attempt: number, { retryAfterMs }: SecretManagerError): number {
    const { baseDelayMs, maxDelayMs } = this.#options;
    const bounds = { firstMs: baseDelayMs, longestMs: maxDelayMs };
    return retryAfterMs ?? jittered(backoffMs(attempt, bounds));
  }
}
