import { ATTEMPTS, type CallOptions } from '../core/calls/cancellation';
import { pause } from '../core/calls/waiting';
import {
  isSecretManagerError,
  isTransient,
  type SecretManagerError,
} from '../core/errors/secret-manager.error';
import { backoffMs, jittered } from '../core/time/backoff';
import {
  Policy,
  type Ask,
  type Operation,
  type Pipeline,
  type ReadOutcome,
  type SecretReadings,
  type Subject,
} from './policy';

export interface RetryOptions {
  /** The number of attempts, including the first. Default 3. */
  readonly maxAttempts?: number;
  /** The longest first pause, in milliseconds. The pause doubles after each attempt. Default 200. */
  readonly baseDelayMs?: number;
  /** The longest pause, in milliseconds. Default 5 000. */
  readonly maxDelayMs?: number;
  /**
   * The number of retries that a call earns on average, so that an outage does not multiply the load. Default
   * 0.1.
   */
  readonly budgetRatio?: number;
}

const BUDGET = 100;
const READS: ReadonlySet<Operation> = new Set([
  'readSecret',
  'readSecrets',
  'describeSecret',
] as const);

/**
 * Retries a read that failed transiently, within the call's deadline. Writes are not retried, because their
 * outcome is unknown.
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

  protected override async around<About extends Subject, Answer>(
    operation: Operation,
    subject: About,
    options: CallOptions,
    ask: Ask<About, Answer>,
  ): Promise<Answer> {
    if (!READS.has(operation)) return await ask(this.inner, subject, options);
    const { maxAttempts, budgetRatio } = this.#options;
    this.#budget = Math.min(BUDGET, this.#budget + budgetRatio);
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask(this.inner, subject, options);
      } catch (error) {
        if (options[ATTEMPTS] !== undefined || attempt >= maxAttempts) throw error;
        if (!isTransient(error)) throw error;
        const delayMs = this.delayAfter(attempt, error as SecretManagerError);
        if (this.#budget < 1 || delayMs >= (options.timeoutMs ?? Infinity)) throw error;
        this.#budget -= 1;
        await pause(delayMs, options, this.context(operation));
        if (options[ATTEMPTS] !== undefined) throw error; // a write has outdated the call meanwhile
      }
    }
  }

  /** Retries the whole batch if it failed as a whole, otherwise only the failed names. */
  override readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    const readings = new Map<string, ReadOutcome>();
    let pending = secretNames;
    const readThePending = async (): Promise<SecretReadings> => {
      const answers = await this.inner.readSecrets(pending, options);
      for (const [name, answer] of answers) readings.set(name, answer);
      pending = pending.filter((name) => isTransient(readings.get(name)));
      const failure = pending.map((name) => readings.get(name)).find(isSecretManagerError);
      if (failure !== undefined) throw failure;
      return readings;
    };
    return this.around('readSecrets', secretNames, options, readThePending).catch(
      (error: unknown) => {
        if (readings.size === 0) throw error;
        if (isSecretManagerError(error)) for (const name of pending) readings.set(name, error);
        return readings;
      },
    );
  }

  private delayAfter(attempt: number, { retryAfterMs }: SecretManagerError): number {
    const { baseDelayMs, maxDelayMs } = this.#options;
    const bounds = { firstMs: baseDelayMs, longestMs: maxDelayMs };
    return retryAfterMs ?? jittered(backoffMs(attempt, bounds));
  }
}
