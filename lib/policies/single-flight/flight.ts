import {
  CANCELLATION,
  Cancellation,
  EFFORT,
  cancelWith,
  type CallOptions,
  type Cancellable,
  type CancellationSource,
} from '../../core/calls/cancellation';
import { SecretManagerError, type OperationContext } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { Bag, type InBag } from '../../core/time/bag';
import { now } from '../../core/time/clock';
import { Deadlines, type Deadline, type Expiring } from '../../core/time/deadlines';
import { secretKey } from '../../core/validation/params';

/** What is read: the key under which it is shared, and what the key is made of. */
export interface SharedRead {
  readonly key: string;
  readonly secretName: string;
  readonly params: CallOptions['params'];
}

export function sharedRead(secretName: string, params: CallOptions['params']): SharedRead {
  return { key: secretKey(secretName, params), secretName, params };
}

/** Of a key that is simply a name. */
export function plainRead(secretName: string): SharedRead {
  return { key: secretName, secretName, params: undefined };
}

export interface FlightTerms {
  /** Of the longest caller so far, from now. */
  readonly timeoutMs: number;
  readonly effort?: CallOptions[typeof EFFORT];
  readonly isBackground?: boolean;
}

/** One call that any number of callers wait for. It lives as long as the longest of them, or by itself in the background. */
export class Flight<Outcome> extends Cancellation implements SharedRead, InBag {
  place = -1;
  /** Set when something newer is known, or written: those who wait get its outcome, the cache does not. */
  isSuperseded = false;
  /** When the store was asked for the first time, on the clock of ages; `Infinity` until then. */
  departsAt = Infinity;
  /** The turn of the event loop in which the store was asked. */
  turn = -1;
  /** The one call for everybody who needs an answer younger than this one; it departs when this one has ended. */
  next: Flight<Outcome> | undefined;
  /** Asks the store, if it has waited for another call to end. */
  whenBegun: (() => void) | undefined;
  readonly effort: CallOptions[typeof EFFORT];
  readonly #isBackground: boolean;
  #endsAt: number;
  readonly #waiters = new Bag<Waiter>();
  #outcome: Promise<Outcome> | undefined;

  constructor(
    readonly key: string,
    readonly secretName: string,
    readonly params: CallOptions['params'],
    { timeoutMs, effort, isBackground = false }: FlightTerms,
  ) {
    super();
    this.effort = effort;
    this.#endsAt = now() + timeoutMs;
    this.#isBackground = isBackground;
  }

  get endsAt(): number {
    return this.#endsAt;
  }

  /** Whether it still waits for another call to end. */
  get isPending(): boolean {
    return this.departsAt === Infinity;
  }

  get isAwaited(): boolean {
    return !this.#waiters.isEmpty;
  }

  /** The options for the store: they end with the last caller, and their `timeoutMs` is what is left at the moment. */
  callOptions(): CallOptions {
    return new FlightOptions(this);
  }

  /** To be called once, with what is under way. */
  depart(outcome: Promise<Outcome>): void {
    this.#outcome = outcome;
    const isUnheard = this.#isBackground || this.reason !== undefined;
    if (isUnheard) outcome.catch(() => undefined); // whoever observes the policy is told
  }

  /** To be called when its outcome is there: it holds nobody any more. */
  end(): void {
    this.#outcome = undefined;
    for (let waiter = this.#waiters.take(); waiter; waiter = this.#waiters.take()) waiter.stop();
  }

  /** Waits as one of the callers: to the end of the call, of its own time, or until its own signal aborts. */
  wait(
    { signal }: CallOptions,
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
      waiter.listenTo(signal);
    });
  }

  leave(waiter: Waiter, reason: SecretManagerError): void {
    this.#waiters.remove(waiter);
    if (!this.isAwaited && !this.#isBackground) this.cancel(reason);
  }
}

/** One caller of many. */
class Waiter implements Cancellable, Expiring, InBag {
  place = -1;
  readonly #deadline: Deadline;
  #source: CancellationSource | undefined;

  constructor(
    private readonly flight: Flight<unknown>,
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

  listenTo(signal: AbortSignal | undefined): void {
    this.#source = cancelWith({ signal }, this.context, this);
  }

  stop(): void {
    this.deadlines.stop(this.#deadline);
    this.#source?.remove(this);
  }

  cancel(reason: SecretManagerError): void {
    this.stop();
    this.reject(reason);
    this.flight.leave(this, reason);
  }

  expire(): void {
    this.cancel(timedOut(this.context, this.timeoutMs));
  }
}

/** Tells what holds at the moment, whenever it is read. */
class FlightOptions implements CallOptions {
  readonly params: CallOptions['params'];
  readonly [CANCELLATION]: Cancellation;

  constructor(private readonly flight: Flight<unknown>) {
    this.params = flight.params;
    this[CANCELLATION] = flight;
  }

  get [EFFORT](): CallOptions[typeof EFFORT] {
    return this.flight.isSuperseded ? 'overtaken' : this.flight.effort;
  }

  get timeoutMs(): number {
    return Math.max(0, this.flight.endsAt - now());
  }

  get signal(): AbortSignal {
    return this.flight.signal;
  }
}

/** Waits for something as one of the callers of a call would: no longer than its deadline, and not past its signal. */
export function waitFor<Outcome>(
  outcome: Promise<Outcome>,
  options: CallOptions & { readonly timeoutMs: number },
  context: OperationContext,
): Promise<Outcome> {
  const { timeoutMs } = options;
  const flight = new Flight<Outcome>('', '', undefined, { timeoutMs });
  const deadlines = new Deadlines();
  deadlines.close(); // there is no next call
  const end = (): void => flight.end();
  flight.depart(outcome);
  const waiting = flight.wait(options, timeoutMs, context, deadlines);
  waiting.then(end, end);
  return waiting;
}

function timedOut(context: OperationContext, afterMs: number): SecretManagerError {
  const { manager, secretName } = context;
  return new SecretManagerError(
    'TIMEOUT',
    `${manager} did not answer${secretName === undefined ? '' : ` ${quoteName(secretName)}`} within ${Math.round(afterMs)} ms, the deadline of this call. ` +
      'Check the store, or give the call more time with `timeoutMs`.',
    context,
  );
}

/** A secret that needs itself would wait for itself until its deadline. */
function recursive(context: OperationContext): SecretManagerError {
  const { manager, secretName } = context;
  return new SecretManagerError(
    'MISCONFIGURED',
    `${manager} asked SecretsService for ${quoteName(secretName)} while it was being asked for it. Read what the manager ` +
      'itself needs from ConfigService.',
    context,
  );
}
