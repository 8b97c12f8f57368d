import { ATTEMPTS, singleAttempt, type CallOptions } from '../../core/calls/cancellation';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import {
  SecretManagerError,
  isSecretManagerError,
  isTransient,
  type SecretManagerErrorCode,
} from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { secretKey } from '../../core/validation/params';
import {
  Policy,
  WRITES,
  type Ask,
  type Operation,
  type Pipeline,
  type ReadOutcome,
  type SecretReadings,
  type Subject,
} from '../policy';
import type { CallVerdict, CircuitState } from './circuit';
import { CircuitBoard, NO_PROBE, type KeyVerdict, type Probe } from './circuit-board';

export type { CircuitState } from './circuit';

export interface CircuitBreakerOptions {
  /**
   * The number of transient failures in a row that opens a circuit. Default 5. The circuit of the store opens
   * only if at least two names failed, unless the threshold is 1. A name that fails alone opens its own
   * circuit.
   */
  readonly failureThreshold?: number;
  /**
   * The time for which the circuit stays open before one call passes as a probe, in milliseconds. Default 10
   * 000.
   */
  readonly resetAfterMs?: number;
  /** Called once when the circuit of the store opens, and once when it closes. */
  readonly onStateChange?: (state: 'open' | 'closed') => void;
  /**
   * `true` if the manager has a health check of its own. Otherwise an open circuit counts as unhealthy. Default
   * `true`.
   */
  readonly hasHealthCheck?: boolean;
  /** `true` if all names are read from one secret, whose failures are those of the store. Default `false`. */
  readonly holdsOneSecret?: boolean;
}

/**
 * Spares a store that is down. After `failureThreshold` failures in a row, calls fail at once with
 * `UNAVAILABLE` until a probe succeeds. A secret that fails alone is refused alone. Failed writes refuse
 * writes, never reads.
 *
 * A denial and an absence are answers of a healthy store. A call that its caller cancelled, or that never
 * reached the store, does not count. A store that gives a `Retry-After` is not down, and the retry respects it.
 */
export class CircuitBreakerPolicy extends Policy {
  readonly #reads: CircuitBoard;
  readonly #writes: CircuitBoard;
  readonly #failureThreshold: number;
  readonly #hasHealthCheck: boolean;

  constructor(
    inner: Pipeline,
    {
      failureThreshold = 5,
      resetAfterMs = 10_000,
      onStateChange,
      hasHealthCheck = true,
      holdsOneSecret = false,
    }: CircuitBreakerOptions = {},
  ) {
    super(inner);
    this.#failureThreshold = failureThreshold;
    this.#hasHealthCheck = hasHealthCheck;
    const options = { failureThreshold, resetAfterMs, holdsOneSecret, onStateChange };
    this.#reads = new CircuitBoard(options);
    this.#writes = new CircuitBoard({ failureThreshold, resetAfterMs });
  }

  /** The state of the circuit that refuses the reads of all secrets. */
  get state(): CircuitState {
    return this.#reads.state;
  }

  /**
   * The time for which the reads of all secrets still fail at once, in milliseconds; `undefined` if the store
   * may be asked.
   */
  get refusedForMs(): number | undefined {
    return this.#reads.refusedForMs;
  }

  override readSecretSync(
    secretName: string,
    options: CallOptions = {},
  ): SecretReading | undefined {
    const key = secretKey(secretName, options.params);
    const probe = this.admit(this.#reads, 'readSecretSync', secretName, key);
    try {
      const reading = this.inner.readSecretSync(secretName, options);
      this.#reads.record([[key, ANSWERED]], probe);
      return reading;
    } catch (error) {
      this.#reads.record([[key, verdictOf(error)]], probe);
      throw error;
    }
  }

  /** Reads the names whose own circuit is closed. */
  override async readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    if (options[ATTEMPTS] === 'unguarded')
      return await this.inner.readSecrets(secretNames, options);
    this.assertStoreAdmitted(this.#reads, 'readSecrets');
    const keyOf = (name: string): string => secretKey(name, options.params);
    const readings = new Map<string, ReadOutcome>(
      secretNames.map((name) => [
        name,
        this.refusalOf(this.#reads, 'readSecrets', name, keyOf(name)),
      ]),
    );
    const admitted = secretNames.filter((name) => readings.get(name) === undefined);
    if (admitted.length === 0) return readings;
    const probe = this.#reads.admit(admitted.map(keyOf));
    const verdicts = (outcomeOf: (name: string) => unknown): KeyVerdict[] =>
      admitted.map((name) => [keyOf(name), verdictOf(outcomeOf(name))]);
    try {
      const asked = probe.ofStore ? singleAttempt(options) : options;
      for (const [name, answer] of await this.inner.readSecrets(admitted, asked)) {
        readings.set(name, answer);
      }
      this.#reads.record(
        verdicts((name) => readings.get(name)),
        probe,
      );
      return readings;
    } catch (error) {
      this.#reads.record(
        verdicts(() => error),
        probe,
      );
      throw error;
    }
  }

  override async checkHealth(options?: CallOptions): Promise<boolean> {
    if (!this.#hasHealthCheck && this.state === 'open') return false;
    return await this.inner.checkHealth(options);
  }

  protected override async around<About extends Subject, Answer>(
    operation: Operation,
    secretName: About,
    options: CallOptions,
    ask: Ask<About, Answer>,
  ): Promise<Answer> {
    if (options[ATTEMPTS] === 'unguarded' || typeof secretName !== 'string') {
      return await ask(this.inner, secretName, options);
    }
    const isWrite = WRITES.has(operation);
    if (isWrite) this.assertStoreAdmitted(this.#reads, operation);
    const board = isWrite ? this.#writes : this.#reads;
    const keyOf = (): string => secretKey(secretName, options.params);
    const probe = board.isQuiet ? NO_PROBE : this.admit(board, operation, secretName, keyOf());
    const isProbe = probe.ofStore || probe.ofKeys.size > 0;
    try {
      const answer = await ask(this.inner, secretName, isProbe ? singleAttempt(options) : options);
      if (!board.isQuiet) board.record([[keyOf(), ANSWERED]], probe);
      return answer;
    } catch (error) {
      board.record([[keyOf(), verdictOf(error)]], probe);
      throw error;
    }
  }

  private admit(board: CircuitBoard, operation: string, secretName: string, key: string): Probe {
    this.assertStoreAdmitted(board, operation);
    const refusal = this.refusalOf(board, operation, secretName, key);
    if (refusal !== undefined) throw refusal;
    return board.admit([key]);
  }

  private assertStoreAdmitted({ refusedForMs }: CircuitBoard, operation: string): void {
    if (refusedForMs === undefined) return;
    const { secretManagerName: manager } = this;
    throw new CircuitOpenError(
      'UNAVAILABLE',
      `${manager} is not asked: its last ${this.#failureThreshold} calls failed, and the circuit is open. It is tried again by itself.`,
      { manager, operation, retryAfterMs: refusedForMs },
    );
  }

  private refusalOf(
    board: CircuitBoard,
    operation: string,
    secretName: string,
    key: string,
  ): CircuitOpenError | undefined {
    const retryAfterMs = board.keyRefusedForMs(key);
    if (retryAfterMs === undefined) return undefined;
    const { secretManagerName: manager } = this;
    return new CircuitOpenError(
      'UNAVAILABLE',
      `${manager} is not asked for ${quoteName(secretName)}: its last ${this.#failureThreshold} calls failed, and the circuit of ` +
        'this secret is open. It is tried again by itself.',
      { manager, operation, secretName, retryAfterMs },
    );
  }
}

/** The error of a call that the circuit refused. A write that fails with it did not reach the store. */
export class CircuitOpenError extends SecretManagerError {}

const ANSWERED: CallVerdict = { kind: 'answered' };
const FAILED: CallVerdict = { kind: 'failed' };
const SILENT: CallVerdict = { kind: 'silent' };

/** @param outcome a failure, or the answer of a call */
function verdictOf(outcome: unknown): CallVerdict {
  if (!isSecretManagerError(outcome)) return ANSWERED;
  const { code, retryAfterMs } = outcome;
  if (SAYS_NOTHING.has(code)) return SILENT;
  if (code === 'THROTTLED' && retryAfterMs !== undefined) return { kind: 'paced', retryAfterMs };
  return isTransient(outcome) ? FAILED : ANSWERED;
}

/** The codes of failures that may not come from the store. */
const SAYS_NOTHING: ReadonlySet<SecretManagerErrorCode> = new Set([
  'CANCELLED',
  'INVALID_ARGUMENT',
  'MALFORMED',
  'MISCONFIGURED',
  'NOT_PERMITTED',
  'UNKNOWN',
  'UNSUPPORTED',
] as const);
