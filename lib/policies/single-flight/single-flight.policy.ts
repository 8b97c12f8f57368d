import {
  CANCELLATION,
  Cancellation,
  ATTEMPTS,
  cancelled,
  closed,
  shuttingDown,
  type CallOptions,
} from '../../core/calls/cancellation';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import {
  isSecretManagerError,
  isTransient,
  type SecretManagerError,
} from '../../core/errors/secret-manager.error';
import { Bag } from '../../core/time/bag';
import { AgeClock, now } from '../../core/time/clock';
import { Deadlines } from '../../core/time/deadlines';
import { DEFAULT_TIMEOUT_MS } from '../../core/time/durations';
import { EventLoopTurns } from '../../core/time/event-loop-turns';
import { secretKey } from '../../core/validation/params';
import {
  HEALTH_TIMEOUT_MS,
  Policy,
  asOutcome,
  type Pipeline,
  type SecretReadings,
} from '../policy';
import { LaggingReplicaError } from '../writes/read-your-writes.policy';
import type { WriteObserver } from '../writes/writes.policy';
import { Flight, type SharedRead } from './flight';

/** How much too early a timer of a manager may fire. */
const TIMER_SLACK_MS = 20;

export interface SingleFlightOptions {
  /** How long a caller waits that does not say so itself, in milliseconds. Default 30 000. */
  readonly timeoutMs?: number;
  /** Whether the manager reads several secrets with one call. */
  readonly readsBatches?: boolean;
}

type ReadFlight = Flight<SecretReading | undefined>;

/** Is told what a call brought, before those who wait for it, unless a write has overtaken it. */
export interface FlightObserver {
  /** @param startedAt when the store was asked: no answer is younger than its question */
  landed(read: SharedRead, reading: SecretReading | undefined, startedAt: number): void;
  failed(read: SharedRead, error: unknown): void;
  /** It came to nothing that is to be kept: a write has overtaken it, or nobody waits for it any more. */
  ended(read: SharedRead): void;
}

/**
 * Any number of concurrent reads of one secret make one call. Each caller waits for its own `timeoutMs`, and leaves alone
 * when it aborts; the call ends early only when the last of them has left. A batch and a single read share calls, too.
 *
 * A caller with `maxAgeMs` joins no call that began earlier than that. All such callers share one call that follows: a secret
 * never has two calls in flight, and no answer is older than its question.
 */
export class SingleFlightPolicy extends Policy implements WriteObserver {
  /** Tells when each call began. */
  readonly clock = new AgeClock();
  readonly #turns = new EventLoopTurns();
  readonly #timeoutMs: number;
  readonly #readsBatches: boolean;
  readonly #flights = new Map<string, ReadFlight>();
  /** Also those that have been overtaken. */
  readonly #aloft = new Bag<ReadFlight>();
  readonly #deadlines = new Deadlines();
  #observer: FlightObserver | undefined;
  #health: Flight<boolean> | undefined;
  #isClosed = false;

  constructor(
    inner: Pipeline,
    { timeoutMs = DEFAULT_TIMEOUT_MS, readsBatches = false }: SingleFlightOptions = {},
  ) {
    super(inner);
    this.#timeoutMs = timeoutMs;
    this.#readsBatches = readsBatches;
  }

  observe(observer: FlightObserver): void {
    this.#observer = observer;
  }

  override readSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretReading | undefined> {
    const key = secretKey(secretName, options.params);
    const flight = this.flightFor(key, options) ?? this.launchRead(key, secretName, options);
    return this.join(flight, secretName, options);
  }

  override async readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    if (!this.#readsBatches) return await this.readEach(secretNames, options);
    if (this.isWanted(options)) this.launchBatch(secretNames, options);
    const outcomes = secretNames.map(async (secretName) => {
      const flight = this.flightFor(secretKey(secretName, options.params), options);
      return [secretName, await this.join(flight, secretName, options).catch(asOutcome)] as const;
    });
    return new Map(await Promise.all(outcomes));
  }

  /** Reads behind the scenes, once; does nothing if the secret is being read already. */
  refreshBehind(secretName: string, params: CallOptions['params']): void {
    const key = secretKey(secretName, params);
    if (this.#isClosed || this.flightOf(key) !== undefined) return;
    const timeoutMs = this.#timeoutMs;
    this.launch(
      new Flight(key, secretName, params, { timeoutMs, effort: 'single', isBackground: true }),
    );
  }

  isInFlight(key: string): boolean {
    return this.flightOf(key) !== undefined;
  }

  invalidate(secretName?: string): void {
    this.supersede(secretName);
  }

  /** What is being asked is older than what is known by now, and must not replace it. */
  outdate(key: string): void {
    const flight = this.#flights.get(key);
    if (flight !== undefined) flight.isSuperseded = true;
  }

  /**
   * Also detaches the reads of one secret, or all: their waiters still get the result, but new callers start a fresh read. A
   * call that waits for its turn is a fresh read.
   */
  supersede(secretName?: string): void {
    const overtaken = [...this.#aloft].filter(
      (flight) =>
        !flight.isPending && (secretName === undefined || flight.secretName === secretName),
    );
    for (const flight of overtaken) {
      flight.isSuperseded = true;
      this.clear(flight);
    }
  }

  override checkHealth(options: CallOptions = {}): Promise<boolean> {
    const context = this.context('checkHealth');
    const { timeoutMs = HEALTH_TIMEOUT_MS } = options;
    if (!isOpen(this.#health)) this.#health = this.launchHealthCheck(timeoutMs);
    return this.#health.wait(options, timeoutMs, context, this.#deadlines);
  }

  override close(): void | Promise<void> {
    this.#isClosed = true;
    const reason = shuttingDown(this.context('close'));
    for (const flight of this.#aloft) flight.cancel(reason);
    this.#deadlines.close();
    return super.close();
  }

  private newFlight(key: string, secretName: string, options: CallOptions): ReadFlight {
    const { params, timeoutMs = this.#timeoutMs, [ATTEMPTS]: effort } = options;
    return new Flight(key, secretName, params, { timeoutMs, effort });
  }

  private launchRead(
    key: string,
    secretName: string,
    options: CallOptions,
  ): ReadFlight | undefined {
    if (!this.isWanted(options)) return undefined;
    const flight = this.newFlight(key, secretName, options);
    this.launch(flight);
    return flight;
  }

  private launchBatch(secretNames: readonly string[], options: CallOptions): void {
    const flights = [...new Set(secretNames)]
      .map((name) => this.newFlight(secretKey(name, options.params), name, options))
      .filter(({ key }) => this.flightOf(key) === undefined);
    if (flights.length === 0) return;
    const names = flights.map(({ secretName }) => secretName);
    let answers: Promise<SecretReadings> | undefined;
    for (const flight of flights) {
      this.launch(flight, async () => {
        answers ??= this.inner.readSecrets(names, batchOptions(flights, options));
        try {
          return outcomeOf(flight.secretName, await answers);
        } catch (error) {
          // the batch does not wait for a replica, nor is it repeated when a write has overtaken one of its secrets
          const isHeldBack =
            error instanceof LaggingReplicaError || flights.some((other) => other.isSuperseded);
          const isWanted = flight.isAwaited && !flight.isSuperseded;
          if (!isHeldBack || !isWanted || !isTransient(error)) throw error;
          return await this.readAlone(flight);
        }
      });
    }
  }

  private launchHealthCheck(timeoutMs: number): Flight<boolean> {
    const flight = new Flight<boolean>('', '', undefined, { timeoutMs });
    const land = (): void => {
      if (this.#health === flight) this.#health = undefined;
      flight.end();
    };
    flight.share(this.inner.checkHealth(flight.callOptions()).finally(land));
    return flight;
  }

  private launch(flight: ReadFlight, readBatch?: () => Promise<SecretReading | undefined>): void {
    this.#aloft.add(flight);
    this.begin(flight);
    flight.share(this.fly(flight, readBatch));
  }

  private begin(flight: ReadFlight): void {
    this.#flights.set(flight.key, flight);
    flight.departsAt = this.clock.now();
    flight.turn = this.#turns.current;
  }

  /** The call that a caller may join who accepts an answer of that age; one that is too old is followed by another. */
  private flightFor(key: string, options: CallOptions): ReadFlight | undefined {
    const flight = this.flightOf(key);
    const { maxAgeMs } = options;
    if (flight === undefined || maxAgeMs === undefined || !this.isWanted(options)) return flight;
    const isRecent =
      flight.isPending ||
      flight.turn === this.#turns.current ||
      this.clock.now() - flight.departsAt < maxAgeMs;
    return isRecent ? flight : this.follow(flight, options);
  }

  /** The call that begins when this one has ended. */
  private follow(flight: ReadFlight, options: CallOptions): ReadFlight {
    if (isOpen(flight.next)) return flight.next;
    const next = this.newFlight(flight.key, flight.secretName, options);
    this.#aloft.add(next);
    next.share(
      new Promise((resolve, reject) => {
        next.whenBegun = () => resolve(this.fly(next));
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

  /** @param readBatch reads it with others; by itself it is read where there is none, and once more */
  private async fly(
    flight: ReadFlight,
    readBatch?: () => Promise<SecretReading | undefined>,
  ): Promise<SecretReading | undefined> {
    try {
      let startedAt = flight.departsAt;
      for (let read = readBatch; ; startedAt = this.clock.now(), read = undefined) {
        const { endsAt } = flight;
        try {
          const reading = await (read === undefined ? this.readAlone(flight) : read());
          if (flight.isSuperseded) this.#observer?.ended(flight);
          else this.#observer?.landed(flight, reading, startedAt);
          this.land(flight);
          return reading;
        } catch (error) {
          // the manager kept to the deadline that it was told; somebody with more time has joined since
          const hasTimeLeft = flight.isAwaited && flight.endsAt > endsAt && !flight.isSuperseded;
          if (hasTimeLeft && isTimeout(error) && now() >= endsAt - TIMER_SLACK_MS) continue;
          this.land(flight);
          if (flight.isSuperseded && flight.isAwaited && isTransient(error)) {
            return await this.readSecret(flight.secretName, asAnew(flight)); // with those who came later
          }
          if (flight.isSuperseded || isAbandoned(flight, error)) this.#observer?.ended(flight);
          else this.#observer?.failed(flight, error);
          throw error;
        }
      }
    } finally {
      flight.end();
    }
  }

  private readAlone(flight: ReadFlight): Promise<SecretReading | undefined> {
    return this.inner.readSecret(flight.secretName, flight.callOptions());
  }

  private land(flight: ReadFlight): void {
    this.#aloft.remove(flight);
    this.clear(flight);
  }

  /** Nobody joins the call any more. The one that waits for its end begins. */
  private clear(flight: ReadFlight): void {
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key);
    const { next } = flight;
    if (next === undefined) return;
    flight.next = undefined;
    if (!isOpen(next)) {
      this.#aloft.remove(next);
      return;
    }
    this.begin(next);
    next.whenBegun?.();
  }

  /** What can be joined: not what is ending because its callers have left, but what follows it. */
  private flightOf(key: string): ReadFlight | undefined {
    const flight = this.#flights.get(key);
    const next = flight?.next;
    if (isOpen(flight)) return flight;
    return isOpen(next) ? next : undefined;
  }

  private isWanted(options: CallOptions): boolean {
    return !this.#isClosed && options.signal?.aborted !== true;
  }

  private join(
    flight: ReadFlight | undefined,
    secretName: string,
    options: CallOptions,
  ): Promise<SecretReading | undefined> {
    const context = this.context('readSecret', secretName);
    if (flight === undefined) {
      return Promise.reject(options.signal?.aborted ? cancelled(context) : closed(context));
    }
    return flight.wait(options, options.timeoutMs ?? this.#timeoutMs, context, this.#deadlines);
  }
}

function isOpen<Outcome>(flight: Flight<Outcome> | undefined): flight is Flight<Outcome> {
  return flight !== undefined && flight.reason === undefined;
}

/** A batch ends when all its readers have left, or with the longest of them; it is not repeated once a write has overtaken it. */
function batchOptions(
  flights: readonly ReadFlight[],
  { params, [ATTEMPTS]: effort }: CallOptions,
): CallOptions {
  const cancellation = new Cancellation();
  let remaining = flights.length;
  for (const flight of flights) {
    const cancel = (reason: SecretManagerError): void => {
      remaining -= 1;
      if (remaining === 0) cancellation.cancel(reason);
    };
    flight.add({ cancel });
  }
  return {
    params,
    [CANCELLATION]: cancellation,
    get [ATTEMPTS]() {
      return flights.some(({ isSuperseded }) => isSuperseded) ? 'overtaken' : effort;
    },
    get timeoutMs() {
      return flights.reduce((most, { endsAt }) => Math.max(most, endsAt - now()), 0);
    },
    get signal() {
      return cancellation.signal;
    },
  };
}

/** What is left of a call, without the restraint that a call is under which a write has overtaken. */
function asAnew(flight: ReadFlight): CallOptions {
  const { params, timeoutMs, signal } = flight.callOptions();
  return { params, timeoutMs, signal };
}

function outcomeOf(secretName: string, answers: SecretReadings): SecretReading | undefined {
  const answer = answers.get(secretName);
  if (isSecretManagerError(answer)) throw answer;
  return answer;
}

/** Whether it ended because its callers did, which says nothing of the store. */
function isAbandoned({ reason }: ReadFlight, error: unknown): boolean {
  return reason !== undefined && isSecretManagerError(error) && error.code === 'CANCELLED';
}

function isTimeout(error: unknown): boolean {
  return isSecretManagerError(error) && error.code === 'TIMEOUT';
}
