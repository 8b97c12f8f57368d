import { ATTEMPTS, type CallOptions } from '../../core/calls/cancellation';
import { SharedCall, SharedCallOptions, type SharedCallTerms } from '../../core/calls/shared-call';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import type { Indexed } from '../../core/time/unordered-set';
import { secretKey } from '../../core/validation/params';

/** The key under which a read is shared, and the parts of the key. */
export interface SharedRead {
  readonly key: string;
  readonly secretName: string;
  readonly params: CallOptions['params'];
}

export function sharedRead(secretName: string, params: CallOptions['params']): SharedRead {
  return { key: secretKey(secretName, params), secretName, params };
}

/** Returns the read of a name without params. */
export function plainRead(secretName: string): SharedRead {
  return { key: secretName, secretName, params: undefined };
}

/** Receives the outcome of each call, before its waiters do. */
export interface FlightObserver {
  /**
   * Handles an answer.
   *
   * @param startedAt the start of the call, because no answer is younger than its question
   */
  onAnswer(read: SharedRead, reading: SecretReading | undefined, startedAt: number): void;
  onFailure(read: SharedRead, error: unknown): void;
  /** Handles a call without an outcome to keep: it was superseded, or its callers have left. */
  onDiscard(read: SharedRead): void;
}

export interface FlightTerms extends SharedCallTerms {
  readonly attempts?: CallOptions[typeof ATTEMPTS];
}

/** One read of a secret from the store, which any number of callers share. */
export class Flight<Outcome> extends SharedCall<Outcome> implements SharedRead, Indexed {
  index = -1;
  /** Set when a newer value is known. The waiters still get the outcome of this call; the cache does not. */
  isSuperseded = false;
  /** The start of the call, on the clock of ages. `Infinity` while it waits for another call to end. */
  startedAt = Infinity;
  /** The turn of the event loop in which the call started. */
  turn = -1;
  /** The follow-up call, shared by all callers that need a younger answer. It starts when this call ends. */
  next: Flight<Outcome> | undefined;
  /** Starts a follow-up call. */
  whenStarted: (() => void) | undefined;
  readonly attempts: CallOptions[typeof ATTEMPTS];

  constructor(
    readonly key: string,
    readonly secretName: string,
    readonly params: CallOptions['params'],
    terms: FlightTerms,
  ) {
    super(terms);
    this.attempts = terms.attempts;
  }

  /** `true` while the flight waits for another call to end. */
  get isPending(): boolean {
    return this.startedAt === Infinity;
  }

  /**
   * Returns the options for the store. Their signal aborts when the last caller leaves, and their `timeoutMs`
   * is the time left.
   */
  callOptions(): CallOptions {
    return new FlightOptions(this, this.params);
  }
}

/** Options that also tell the policies below whether a write has superseded the flight. */
class FlightOptions extends SharedCallOptions {
  constructor(
    private readonly flight: Flight<unknown>,
    params: CallOptions['params'],
  ) {
    super(flight, params);
  }

  get [ATTEMPTS](): CallOptions[typeof ATTEMPTS] {
    return this.flight.isSuperseded ? 'overtaken' : this.flight.attempts;
  }
}
