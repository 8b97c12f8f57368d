import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';
import { quoteName } from '../errors/wording';
import { now } from '../time/clock';
import type { Deadline, Deadlines, Expiring } from '../time/deadlines';
import { UnorderedSet, type Indexed } from '../time/unordered-set';
import {
  CANCELLATION,
  Cancellation,
  cancelWith,
  type CallOptions,
  type Cancellable,
  type CancellationSource,
} from './cancellation';
import { timedOut } from './waiting';

export interface SharedCallTerms {
  /** The time until the latest deadline of the callers so far, in milliseconds. */
  readonly timeoutMs: number;
  /** Keeps the call running when its last caller has left. */
  readonly isBackground?: boolean;
}

/**
 * One call that any number of callers share, each until its own deadline. The call is cancelled when the last
 * caller has left.
 */
export class SharedCall<Outcome> extends Cancellation {
  readonly #isBackground: boolean;
  #endsAt: number;
  readonly #waiters = new UnorderedSet<Waiter>();
  #outcome: Promise<Outcome> | undefined;

  constructor({ timeoutMs, isBackground = false }: SharedCallTerms) {
    super();
    this.#endsAt = now() + timeoutMs;
    this.#isBackground = isBackground;
  }

  /** The latest deadline of all callers. */
  get endsAt(): number {
    return this.#endsAt;
  }

  get isAwaited(): boolean {
    return !this.#waiters.isEmpty;
  }

  /** Shares the outcome with the callers. Must be called once. */
  share(outcome: Promise<Outcome>): void {
    this.#outcome = outcome;
    const hasNoListener = this.#isBackground || this.reason !== undefined;
    if (hasNoListener) outcome.catch(() => undefined); // the observer of the policy handles it
  }

  /** Stops the deadlines of all callers. Must be called when the call has settled. */
  end(): void {
    this.#outcome = undefined;
    for (let waiter = this.#waiters.take(); waiter; waiter = this.#waiters.take()) waiter.stop();
  }

  /**
   * Waits for the outcome as one of the callers. Rejects at the caller's deadline and when its own signal
   * aborts.
   */
  wait(
    options: CallOptions,
    timeoutMs: number,
    context: OperationContext,
    deadlines: Deadlines,
  ): Promise<Outcome> {
    const outcome = this.#outcome;
    if (outcome === undefined) return Promise.reject(recursive(context));
    return new Promise((resolve, reject) => {
      outcome.then(resolve, reject);
      const waiter = new Waiter(this, reject, deadlines, timeoutMs, context);
      this.#endsAt = Math.max(this.#endsAt, waiter.endsAt);
      this.#waiters.add(waiter);
      waiter.listenTo(options);
    });
  }

  leave(waiter: Waiter, reason: SecretManagerError): void {
    this.#waiters.remove(waiter);
    if (!this.isAwaited && !this.#isBackground) this.cancel(reason);
  }
}

/**
 * The options of a shared call. Each property is computed on access, because callers join and leave.
 *
 * The class has no `#private` field, because `Object.create` inherits from an instance.
 */
export class SharedCallOptions implements CallOptions {
  readonly [CANCELLATION]: Cancellation;

  constructor(
    private readonly call: SharedCall<unknown>,
    readonly params: CallOptions['params'],
  ) {
    this[CANCELLATION] = call;
  }

  /** The time left until the latest deadline of the callers, in milliseconds. */
  get timeoutMs(): number {
    return Math.max(0, this.call.endsAt - now());
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }
}

/** One caller of a shared call. */
class Waiter implements Cancellable, Expiring, Indexed {
  index = -1;
  readonly #deadline: Deadline;
  #source: CancellationSource | undefined;

  constructor(
    private readonly call: SharedCall<unknown>,
    private readonly reject: (reason: SecretManagerError) => void,
    private readonly deadlines: Deadlines,
    private readonly timeoutMs: number,
    private readonly context: OperationContext,
  ) {
    this.#deadline = deadlines.start(this, timeoutMs, { keepsAlive: true });
  }

  get endsAt(): number {
    return this.#deadline.endsAt;
  }

  listenTo(options: CallOptions): void {
    this.#source = cancelWith(options, this.context, this);
  }

  stop(): void {
    this.deadlines.stop(this.#deadline);
    this.#source?.remove(this);
  }

  cancel(reason: SecretManagerError): void {
    this.stop();
    this.reject(reason);
    this.call.leave(this, reason);
  }

  expire(): void {
    this.cancel(timedOut(this.context, this.timeoutMs));
  }
}

/**
 * Returns the error of a secret that depends on itself. Such a read would wait for itself until its deadline.
 */
function recursive(context: OperationContext): SecretManagerError {
  const { manager, secretName } = context;
  return new SecretManagerError(
    'MISCONFIGURED',
    `${manager} asked SecretsService for ${quoteName(secretName)} while it was being asked for it. Read what the manager ` +
      'itself needs from ConfigService.',
    context,
  );
}
