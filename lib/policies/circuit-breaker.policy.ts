import { EFFORT, triedOnce, type CallOptions } from '../core/cancellation';
import { now } from '../core/clock';
import type {
  DeleteOptions,
  SecretDescription,
  SecretMetadata,
  SecretReading,
  WriteOptions,
} from '../core/custom-secret-manager';
import {
  SecretManagerError,
  isSecretManagerError,
  isTransient,
  type SecretManagerErrorCode,
} from '../core/secret-manager.error';
import {
  Policy,
  describeSecret,
  readSecret,
  readSecrets,
  type Ask,
  type Pipeline,
  type SecretReadings,
} from './policy';

export interface CircuitBreakerOptions {
  /** After how many calls in a row that failed transiently it opens. Default 5. */
  readonly failureThreshold?: number;
  /** How long it stays open before one call is let through as a probe, in milliseconds. Default 10 000. */
  readonly resetAfterMs?: number;
  /** Told once when it opens, and once when it closes. */
  readonly onStateChange?: (state: 'open' | 'closed') => void;
}

export type CircuitState = 'closed' | 'open' | 'half-open';

/**
 * Spares a store that is down: after some failures in a row calls fail at once with `UNAVAILABLE`, until a probe succeeds.
 * A denial and an absence are answers of a healthy store; a call that its caller ended says nothing. Health checks pass by.
 */
export class CircuitBreakerPolicy extends Policy {
  readonly #failureThreshold: number;
  readonly #resetAfterMs: number;
  readonly #onStateChange: (state: 'open' | 'closed') => void;
  #failures = 0;
  #openUntil: number | undefined;
  #isProbing = false;

  constructor(
    inner: Pipeline,
    {
      failureThreshold = 5,
      resetAfterMs = 10_000,
      onStateChange = () => undefined,
    }: CircuitBreakerOptions = {},
  ) {
    super(inner);
    this.#failureThreshold = failureThreshold;
    this.#resetAfterMs = resetAfterMs;
    this.#onStateChange = onStateChange;
  }

  get state(): CircuitState {
    if (this.#openUntil === undefined) return 'closed';
    return this.#isProbing || now() >= this.#openUntil ? 'half-open' : 'open';
  }

  override readSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretReading | undefined> {
    return this.guard('readSecret', secretName, options, readSecret);
  }

  override readSecretSync(
    secretName: string,
    options: CallOptions = {},
  ): SecretReading | undefined {
    const isProbe = this.admit('readSecretSync');
    try {
      const reading = this.inner.readSecretSync(secretName, options);
      this.ended(undefined, isProbe);
      return reading;
    } catch (error) {
      this.ended(error, isProbe);
      throw error;
    }
  }

  override readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    return this.guard('readSecrets', secretNames, options, readSecrets);
  }

  override writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    return this.guard('writeSecret', secretName, options, (inner) =>
      inner.writeSecret(secretName, value, options),
    );
  }

  override deleteSecret(secretName: string, options: DeleteOptions = {}): Promise<SecretMetadata> {
    return this.guard('deleteSecret', secretName, options, (inner) =>
      inner.deleteSecret(secretName, options),
    );
  }

  override describeSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretDescription> {
    return this.guard('describeSecret', secretName, options, describeSecret);
  }

  private async guard<Subject, Answer>(
    operation: string,
    subject: Subject,
    options: CallOptions,
    ask: Ask<Subject, Answer>,
  ): Promise<Answer> {
    if (options[EFFORT] === 'unguarded') return await ask(this.inner, subject, options);
    const isProbe = this.admit(operation);
    try {
      const answer = await ask(this.inner, subject, isProbe ? triedOnce(options) : options);
      this.ended(outageOf(answer), isProbe);
      return answer;
    } catch (error) {
      this.ended(error, isProbe);
      throw error;
    }
  }

  /** Throws while the circuit is open. Returns whether the call is the probe. */
  private admit(operation: string): boolean {
    if (this.#openUntil === undefined) return false;
    const retryAfterMs = this.#openUntil - now();
    if (retryAfterMs <= 0 && !this.#isProbing) {
      this.#isProbing = true;
      return true;
    }
    throw new CircuitOpenError(
      'UNAVAILABLE',
      `${this.secretManagerName} is not asked: its last ${this.#failureThreshold} calls failed, and the circuit is open. ` +
        'It is tried again by itself.',
      { manager: this.secretManagerName, operation, retryAfterMs: Math.max(0, retryAfterMs) },
    );
  }

  private ended(error: unknown, isProbe: boolean): void {
    if (isProbe) this.#isProbing = false;
    if (isSecretManagerError(error) && SAYS_NOTHING.has(error.code)) return;
    if (!isTransient(error)) {
      this.reset();
    } else if (isProbe || ++this.#failures === this.#failureThreshold) {
      this.open();
    }
  }

  private open(): void {
    if (this.#openUntil === undefined) this.#onStateChange('open');
    this.#openUntil = now() + this.#resetAfterMs;
  }

  private reset(): void {
    this.#failures = 0;
    if (this.#openUntil !== undefined) this.#onStateChange('closed');
    this.#openUntil = undefined;
  }
}

/** The store was not asked: the outcome of a write that fails with it is known. */
export class CircuitOpenError extends SecretManagerError {}

/** The codes from which nothing follows about the store: it was not asked, or its answer never came about. */
const SAYS_NOTHING: ReadonlySet<SecretManagerErrorCode> = new Set([
  'CANCELLED',
  'UNSUPPORTED',
  'MISCONFIGURED',
  'UNKNOWN',
] as const);

/** A failure of a batch, if it failed transiently for every one of its names. */
function outageOf(answer: unknown): unknown {
  if (!(answer instanceof Map)) return undefined;
  const outcomes = [...answer.values()];
  return outcomes.every(isTransient) ? outcomes[0] : undefined;
}
