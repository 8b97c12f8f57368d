import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';
import { quoteName } from '../errors/wording';
import { Bag, type InBag } from '../time/bag';
import { now } from '../time/clock';
import type { Deadline, Deadlines, Expiring } from '../time/deadlines';
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
  /** The time of the longest caller so far, from now. */
  readonly timeoutMs: number;
  /** A background call goes on when its last caller has left. */
  readonly isBackground?: boolean;
}

/**
 * One call that any number of callers wait for, each until its own deadline. The call is cancelled when the last of them has left.
 */
export class SharedCall<Outcome> extends Cancellation {
  readonly #isBackground: boolean;
  #endsAt: number;
  readonly #waiters = new Bag<Waiter>();
  #outcome: Promise<Outcome> | undefined;

  constructor({ timeoutMs, isBackground = false }: SharedCallTerms) {
    super();
    this.#endsAt = now() + timeoutMs;
    this.#isBackground = isBackground;
  }

  /** The deadline of the caller that waits longest. */
  get endsAt(): number {
    return this.#endsAt;
  }

  get isAwaited(): boolean {
    return !this.#waiters.isEmpty;
  }

  /** Starts to share the outcome. To be called once. */
  share(outcome: Promise<Outcome>): void {
    this.#outcome = outcome;
    const isUnheard = this.#isBackground || this.reason !== undefined;
    if (isUnheard) outcome.catch(() => undefined); // an observer of the policy gets it
  }

  /** Ends the deadlines of all callers. To be called when the outcome is there. */
  end(): void {
    this.#outcome = undefined;
    for (let waiter = this.#waiters.take(); waiter; waiter = this.#waiters.take()) waiter.stop();
  }

  /** Waits as one of the callers: until the outcome, the deadline, or the abort of its own signal. */
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
 * The options of a shared call. Each property is computed when it is read, because callers join and leave. It has no `#private`
 * field, because others inherit from an instance by `Object.create`.
 */
export class SharedCallOptions implements CallOptions {
  readonly [CANCELLATION]: Cancellation;

  constructor(
    private readonly call: SharedCall<unknown>,
    readonly params: CallOptions['params'],
  ) {
    this[CANCELLATION] = call;
  }

  /** The time that is left of the longest caller's deadline. */
  get timeoutMs(): number {
    return Math.max(0, this.call.endsAt - now());
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }
}

/** One caller of many. */
class Waiter implements Cancellable, Expiring, InBag {
  place = -1;
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

/** Returns the error of a secret that needs itself, and would wait for itself until its deadline. */
function recursive(context: OperationContext): SecretManagerError {
  const { manager, secretName } = context;
  return new SecretManagerError(
    'MISCONFIGURED',
    `${manager} asked SecretsService for ${quoteName(secretName)} while it was being asked for it. Read what the manager ` +
      'itself needs from ConfigService.',
    context,
  );
}
