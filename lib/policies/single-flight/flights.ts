import { ATTEMPTS, type CallOptions } from '../../core/calls/cancellation';
import type { SharedCall } from '../../core/calls/shared-call';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import type { SecretManagerError } from '../../core/errors/secret-manager.error';
import { AgeClock } from '../../core/time/clock';
import { EventLoopTurns } from '../../core/time/event-loop-turns';
import { UnorderedSet } from '../../core/time/unordered-set';
import type { Pipeline } from '../policy';
import { Flight } from './flight';

export type ReadFlight = Flight<SecretReading | undefined>;

/** The reads in flight: one per key, and one follow-up call that starts when it ends. */
export class Flights {
  /** The clock on which flights start and answers age. */
  readonly clock = new AgeClock();
  readonly #turns = new EventLoopTurns();
  /** The flights that a caller can join. */
  readonly #byKey = new Map<string, ReadFlight>();
  /** All flights, including the superseded ones. */
  readonly #all = new UnorderedSet<ReadFlight>();

  readonly #timeoutMs: number;
  readonly #fly: (flight: ReadFlight) => ReturnType<Pipeline['readSecret']>;

  /**
   * @param timeoutMs the deadline of a caller that gives none
   * @param fly makes the call of a flight
   */
  constructor(timeoutMs: number, fly: (flight: ReadFlight) => ReturnType<Pipeline['readSecret']>) {
    this.#timeoutMs = timeoutMs;
    this.#fly = fly;
  }

  /** Returns a new flight for a call with these options. */
  create(key: string, secretName: string, options: CallOptions): ReadFlight {
    const { params, timeoutMs = this.#timeoutMs, [ATTEMPTS]: attempts } = options;
    return new Flight(key, secretName, params, { timeoutMs, attempts });
  }

  add(flight: ReadFlight): void {
    this.#all.add(flight);
  }

  /** Returns the follow-up call of a flight, which starts when the flight has ended. */
  follow(flight: ReadFlight, options: CallOptions): ReadFlight {
    if (isOpen(flight.next)) return flight.next;
    const next = this.create(flight.key, flight.secretName, options);
    this.add(next);
    next.share(
      new Promise((resolve, reject) => {
        next.whenStarted = () => resolve(this.#fly(next));
        next.add({
          cancel: (reason) => {
            reject(reason);
            next.end();
          },
        });
      }),
    );
    flight.next = next;
    return next;
  }

  /** Starts a flight, so that callers can join it. */
  start(flight: ReadFlight): void {
    this.#byKey.set(flight.key, flight);
    flight.startedAt = this.clock.now();
    flight.turn = this.#turns.current;
  }

  /** Ends a flight, and starts its follow-up call. */
  end(flight: ReadFlight): void {
    this.#all.remove(flight);
    this.detach(flight);
  }

  /** Returns the flight that a caller can join. In place of a cancelled flight it is the follow-up call. */
  joinable(key: string): ReadFlight | undefined {
    const flight = this.#byKey.get(key);
    const next = flight?.next;
    if (isOpen(flight)) return flight;
    return isOpen(next) ? next : undefined;
  }

  /**
   * Returns whether the answer of a flight will be younger than `maxAgeMs`. That holds for a flight that starts
   * later, or has started in this turn.
   */
  isRecent({ isPending, turn, startedAt }: ReadFlight, maxAgeMs: number): boolean {
    if (isPending || turn === this.#turns.current) return true;
    return this.clock.now() - startedAt < maxAgeMs;
  }

  /** Keeps the answer of a flight out of the cache, because a younger one is known. */
  outdate(key: string): void {
    const flight = this.#byKey.get(key);
    if (flight !== undefined) flight.isSuperseded = true;
  }

  /**
   * Outdates and detaches the flights of one secret, or all. Their waiters still get the result, but new
   * callers start a fresh read. A follow-up call that has not started counts as a fresh read.
   *
   * @param kept the keys of the flights that go on
   */
  supersede(secretName?: string, kept: ReadonlySet<string> = NONE): void {
    if (this.#all.isEmpty) return;
    const superseded = [...this.#all].filter(
      (flight) =>
        !flight.isPending &&
        !kept.has(flight.key) &&
        (secretName === undefined || flight.secretName === secretName),
    );
    for (const flight of superseded) {
      flight.isSuperseded = true;
      this.detach(flight);
    }
  }

  *names(): Iterable<string> {
    for (const { secretName } of this.#all) yield secretName;
  }

  cancelAll(reason: SecretManagerError): void {
    for (const flight of this.#all) flight.cancel(reason);
  }

  private detach(flight: ReadFlight): void {
    if (this.#byKey.get(flight.key) === flight) this.#byKey.delete(flight.key);
    const { next } = flight;
    if (next === undefined) return;
    flight.next = undefined;
    if (!isOpen(next)) {
      this.#all.remove(next);
      return;
    }
    this.start(next);
    next.whenStarted?.();
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Returns whether a call can be joined, because it is not cancelled. */
export function isOpen<Call extends SharedCall<unknown>>(call: Call | undefined): call is Call {
  return call !== undefined && call.reason === undefined;
}
