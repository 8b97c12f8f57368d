import {
  CANCELLATION,
  Cancellation,
  cancelWith,
  closed,
  shuttingDown,
  type CallOptions,
  type CancellationSource,
} from '../core/calls/cancellation';
import { ManagerOptions } from '../core/calls/manager-options';
import { waitFor } from '../core/calls/waiting';
import type {
  DeleteOptions,
  OperationOptions,
  SecretReading,
  WriteOptions,
} from '../core/contract/custom-secret-manager';
import { SecretManagerError, type OperationContext } from '../core/errors/secret-manager.error';
import { quoteName } from '../core/errors/wording';
import { Deadlines, type Deadline, type Expiring } from '../core/time/deadlines';
import { DEFAULT_TIMEOUT_MS } from '../core/time/durations';
import {
  HEALTH_TIMEOUT_MS,
  Policy,
  WRITES,
  type Ask,
  type Operation,
  type Pipeline,
  type Subject,
} from './policy';

export interface DeadlineOptions {
  /** The longest that one attempt may take, in milliseconds. Default 10 000. */
  readonly attemptTimeoutMs?: number;
  /** The longest that a synchronous read may block, in milliseconds. Default 3 000. */
  readonly syncTimeoutMs?: number;
  /** Leaves writes and deletions to the deadline of their call. Default: `false`. */
  readonly writesWait?: boolean;
  /** The longest that the manager's `validateEnvironment` may take, in milliseconds. Default 30 000. */
  readonly startTimeoutMs?: number;
}

const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Bounds every attempt by its own limit, the rest of the call's deadline, and the cancellation of the call. A
 * manager that ignores `timeoutMs` and `signal` cannot exceed these bounds.
 *
 * After `close` no call starts, and the calls in flight end with `CANCELLED`.
 */
export class DeadlinePolicy extends Policy {
  readonly #attemptTimeoutMs: number;
  readonly #syncTimeoutMs: number;
  readonly #startTimeoutMs: number;
  readonly #writesWait: boolean;
  readonly #running = new Deadlines<Attempt<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(
    inner: Pipeline,
    {
      attemptTimeoutMs = 10_000,
      syncTimeoutMs = 3_000,
      startTimeoutMs = DEFAULT_TIMEOUT_MS,
      writesWait = false,
    }: DeadlineOptions = {},
  ) {
    super(inner);
    this.#attemptTimeoutMs = attemptTimeoutMs;
    this.#syncTimeoutMs = syncTimeoutMs;
    this.#startTimeoutMs = startTimeoutMs;
    this.#writesWait = writesWait;
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

  override close(): Promise<void> {
    this.#closing ??= this.shutDown();
    return this.#closing;
  }

  protected override async around<About extends Subject, Answer>(
    operation: Operation,
    subject: About,
    options: CallOptions,
    ask: Ask<About, Answer>,
  ): Promise<Answer> {
    const context = this.context(operation, typeof subject === 'string' ? subject : undefined);
    if (this.#closing) throw closed(context);
    const attempt = new Attempt<Answer>(context, options, this.limitOf(operation, options));
    attempt.begin(this.#running, options);
    try {
      if (attempt.reason !== undefined) throw attempt.reason;
      if (WRITES.has(operation)) addWriteFields(attempt.options, options);
      return await attempt.raceCancellation(ask(this.inner, subject, attempt.options));
    } finally {
      attempt.end(this.#running);
    }
  }

  private limitOf(operation: Operation, { timeoutMs = 0 }: CallOptions): number {
    if (this.#writesWait && WRITES.has(operation)) return timeoutMs || DEFAULT_TIMEOUT_MS;
    if (operation === 'validateEnvironment') return this.#startTimeoutMs;
    if (operation === 'checkHealth') return Math.max(timeoutMs, HEALTH_TIMEOUT_MS);
    return this.#attemptTimeoutMs;
  }

  private async shutDown(): Promise<void> {
    const context = this.context('close');
    for (const running of this.#running) running.cancel(shuttingDown(context));
    this.#running.close();
    const closing = Promise.resolve(this.inner.close());
    await waitFor(closing, { timeoutMs: CLOSE_TIMEOUT_MS }, context, timedOut);
  }
}

/** One call of the manager, until it settles or is cancelled. */
class Attempt<T> extends Cancellation implements Expiring {
  readonly options: OperationOptions;
  readonly #context: OperationContext;
  readonly #endsInMs: number;
  readonly #isShared: boolean;
  #deadline: Deadline | undefined;
  #source: CancellationSource | undefined;
  #reject: ((reason: SecretManagerError) => void) | undefined;

  constructor(context: OperationContext, options: CallOptions, limitMs: number) {
    super();
    // The deadline of a shared call moves with each caller that joins, so the attempt must not set it.
    const { params, timeoutMs = Infinity, [CANCELLATION]: shared } = options;
    this.#context = context;
    this.#isShared = shared !== undefined;
    this.#endsInMs = Math.min(limitMs, this.#isShared ? Infinity : timeoutMs);
    const leftMs = Math.ceil(Math.min(this.#endsInMs, timeoutMs)); // AbortSignal.timeout takes integers only
    this.options = new ManagerOptions(params, leftMs, this);
  }

  begin(running: Deadlines, options: CallOptions): void {
    this.#deadline = running.start(this, this.#endsInMs, { keepsAlive: !this.#isShared });
    this.#source = cancelWith(options, this.#context, this);
  }

  end(running: Deadlines): void {
    if (this.#deadline !== undefined) running.stop(this.#deadline);
    this.#source?.remove(this);
  }

  /** Settles as the call does, or rejects with the reason of a cancellation. */
  raceCancellation(outcome: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      outcome.then(resolve, reject);
      this.#reject = reject;
      if (this.reason !== undefined) reject(this.reason);
    });
  }

  override cancel(reason: SecretManagerError): void {
    super.cancel(reason);
    this.#reject?.(reason);
  }

  expire(): void {
    this.cancel(timedOut(this.#context, this.#endsInMs));
  }
}

/**
 * Adds the fields of a write that the caller gave. A field that the caller left out must not reach the manager,
 * not even as `undefined`.
 */
function addWriteFields(options: OperationOptions, given: WriteOptions & DeleteOptions): void {
  const { description, tags, createOnly, recoveryWindowInDays } = given;
  const entries = Object.entries({ description, tags, createOnly, recoveryWindowInDays });
  const fields = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  Object.assign(options, fields); // a spread would lose the signal
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
