import {
  CANCELLATION,
  Cancellation,
  cancelWith,
  closed,
  shuttingDown,
  type CallOptions,
  type CancellationSource,
} from '../core/calls/cancellation';
import { HandedOptions } from '../core/calls/manager-options';
import type {
  DeleteOptions,
  OperationOptions,
  SecretDescription,
  SecretMetadata,
  SecretReading,
  WriteOptions,
} from '../core/contract/custom-secret-manager';
import { SecretManagerError, type OperationContext } from '../core/errors/secret-manager.error';
import { quoteName } from '../core/errors/wording';
import { startTimer } from '../core/time/clock';
import { Deadlines, type Deadline, type Expiring } from '../core/time/deadlines';
import { DEFAULT_TIMEOUT_MS } from '../core/time/durations';
import {
  HEALTH_TIMEOUT_MS,
  Policy,
  describeSecret,
  readSecret,
  readSecrets,
  type Ask,
  type Pipeline,
  type SecretReadings,
} from './policy';

export interface DeadlineOptions {
  /** The longest that one attempt may take, in milliseconds. Default 10 000. */
  readonly attemptTimeoutMs?: number;
  /** The longest that a synchronous read may block, in milliseconds. Default 3 000. */
  readonly syncTimeoutMs?: number;
  /** The longest that the manager's `validateEnvironment` may take, in milliseconds. Default 30 000. */
  readonly startTimeoutMs?: number;
}

const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Bounds every attempt: by its own limit, by what is left of the call's deadline, and by whatever ends the call early. A
 * manager that ignores `timeoutMs` and `signal` is cut off all the same. After `close` nothing starts, and what runs ends
 * with `CANCELLED`.
 */
export class DeadlinePolicy extends Policy {
  readonly #attemptTimeoutMs: number;
  readonly #syncTimeoutMs: number;
  readonly #startTimeoutMs: number;
  readonly #running = new Deadlines<Attempt<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(
    inner: Pipeline,
    {
      attemptTimeoutMs = 10_000,
      syncTimeoutMs = 3_000,
      startTimeoutMs = DEFAULT_TIMEOUT_MS,
    }: DeadlineOptions = {},
  ) {
    super(inner);
    this.#attemptTimeoutMs = attemptTimeoutMs;
    this.#syncTimeoutMs = syncTimeoutMs;
    this.#startTimeoutMs = startTimeoutMs;
  }

  override readSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretReading | undefined> {
    const context = this.context('readSecret', secretName);
    return this.attempt(context, secretName, options, readSecret);
  }

  override readSecretSync(
    secretName: string,
    options: CallOptions = {},
  ): SecretReading | undefined {
    if (this.#closing) throw closed(this.context('readSecretSync', secretName));
    const { params, timeoutMs = Infinity } = options;
    return this.inner.readSecretSync(secretName, {
      params,
      timeoutMs: Math.ceil(Math.min(timeoutMs, this.#attemptTimeoutMs, this.#syncTimeoutMs)),
    });
  }

  override readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    return this.attempt(this.context('readSecrets'), secretNames, options, readSecrets);
  }

  override writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    const { description, tags, createOnly } = options;
    const context = this.context('writeSecret', secretName);
    return this.attempt(context, secretName, options, (inner, _, own) =>
      inner.writeSecret(secretName, value, withGiven(own, { description, tags, createOnly })),
    );
  }

  override deleteSecret(secretName: string, options: DeleteOptions = {}): Promise<SecretMetadata> {
    const { recoveryWindowInDays } = options;
    const context = this.context('deleteSecret', secretName);
    return this.attempt(context, secretName, options, (inner, _, own) =>
      inner.deleteSecret(secretName, withGiven(own, { recoveryWindowInDays })),
    );
  }

  override describeSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretDescription> {
    const context = this.context('describeSecret', secretName);
    return this.attempt(context, secretName, options, describeSecret);
  }

  override validateEnvironment(): Promise<void> {
    const timeoutMs = this.#startTimeoutMs;
    return this.attempt(
      this.context('validateEnvironment'),
      undefined,
      { timeoutMs },
      async (inner) => inner.validateEnvironment(),
      timeoutMs,
    );
  }

  override checkHealth(options: CallOptions = {}): Promise<boolean> {
    const { timeoutMs = 0 } = options;
    return this.attempt(
      this.context('checkHealth'),
      undefined,
      options,
      (inner, _, own) => inner.checkHealth(own),
      Math.max(timeoutMs, HEALTH_TIMEOUT_MS),
    );
  }

  override close(): Promise<void> {
    this.#closing ??= this.shutDown();
    return this.#closing;
  }

  private async attempt<Subject, Answer>(
    context: OperationContext,
    subject: Subject,
    options: CallOptions,
    ask: Ask<Subject, Answer>,
    limitMs: number = this.#attemptTimeoutMs,
  ): Promise<Answer> {
    if (this.#closing) throw closed(context);
    const attempt = new Attempt<Answer>(context, options, limitMs);
    attempt.begin(this.#running, options);
    try {
      if (attempt.reason !== undefined) throw attempt.reason;
      return await attempt.outlasting(ask(this.inner, subject, attempt.handed));
    } finally {
      attempt.end(this.#running);
    }
  }

  private async shutDown(): Promise<void> {
    const context = this.context('close');
    for (const running of this.#running) running.cancel(shuttingDown(context));
    this.#running.close();
    let stopTimer = (): void => undefined;
    const tooLate = new Promise<never>((_, reject) => {
      stopTimer = startTimer(() => reject(timedOut(context, CLOSE_TIMEOUT_MS)), CLOSE_TIMEOUT_MS, {
        keepsAlive: true,
      });
    });
    try {
      await Promise.race([this.inner.close(), tooLate]);
    } finally {
      stopTimer();
    }
  }

  private context(operation: string, secretName?: string): OperationContext {
    return { manager: this.secretManagerName, operation, secretName };
  }
}

/** One call of the manager, as long as it is waited for. */
class Attempt<T> extends Cancellation implements Expiring {
  readonly handed: OperationOptions;
  readonly #context: OperationContext;
  readonly #endsInMs: number;
  readonly #isShared: boolean;
  #deadline: Deadline | undefined;
  #source: CancellationSource | undefined;
  #giveUp: ((reason: SecretManagerError) => void) | undefined;

  constructor(context: OperationContext, options: CallOptions, limitMs: number) {
    super();
    // A shared call ends with its last waiter; its deadline moves with those who join, and must not be set here.
    const { params, timeoutMs = Infinity, [CANCELLATION]: shared } = options;
    this.#context = context;
    this.#isShared = shared !== undefined;
    this.#endsInMs = Math.min(limitMs, this.#isShared ? Infinity : timeoutMs);
    const leftMs = Math.ceil(Math.min(this.#endsInMs, timeoutMs)); // whole: AbortSignal.timeout takes nothing else
    this.handed = new HandedOptions(params, leftMs, this);
  }

  begin(running: Deadlines, options: CallOptions): void {
    this.#deadline = running.start(this, this.#endsInMs, { keepsAlive: !this.#isShared });
    this.#source = cancelWith(options, this.#context, this);
  }

  end(running: Deadlines): void {
    if (this.#deadline !== undefined) running.stop(this.#deadline);
    this.#source?.remove(this);
  }

  /** Resolves to the outcome, or rejects with the reason as soon as there is one. */
  outlasting(outcome: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      outcome.then(resolve, reject);
      this.#giveUp = reject;
      if (this.reason !== undefined) reject(this.reason);
    });
  }

  override cancel(reason: SecretManagerError): void {
    super.cancel(reason);
    this.#giveUp?.(reason);
  }

  expire(): void {
    this.cancel(timedOut(this.#context, this.#endsInMs));
  }
}

/** Adds what the caller gave; what it left out must not reach the manager, not even as `undefined`. */
function withGiven<Given extends object>(
  handed: OperationOptions,
  given: Given,
): OperationOptions & Given {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.assign(handed, Object.fromEntries(entries) as Given); // onto `handed`: a spread would lose its signal
}

function timedOut(context: OperationContext, afterMs: number): SecretManagerError {
  const { manager, operation, secretName } = context;
  const subject = secretName === undefined ? '' : ` of ${quoteName(secretName)}`;
  return new SecretManagerError(
    'TIMEOUT',
    `${manager}.${operation}()${subject} took longer than ${Math.round(afterMs)} ms. Check the store, or give it more time ` +
      'with `attemptTimeoutMs` and `timeoutMs`.',
    context,
  );
}
