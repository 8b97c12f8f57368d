import {
  ATTEMPTS,
  cancelled,
  closed,
  shuttingDown,
  type CallOptions,
} from '../../core/calls/cancellation';
import { SharedCall, SharedCallOptions } from '../../core/calls/shared-call';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { hasCode, isTransient } from '../../core/errors/secret-manager.error';
import { now, type AgeClock } from '../../core/time/clock';
import { Deadlines } from '../../core/time/deadlines';
import { DEFAULT_TIMEOUT_MS } from '../../core/time/durations';
import { secretKey } from '../../core/validation/params';
import {
  HEALTH_TIMEOUT_MS,
  Policy,
  asOutcome,
  type Pipeline,
  type SecretReadings,
} from '../policy';
import type { WriteObserver } from '../writes/writes.policy';
import { Batch } from './batch';
import { Flight, type SharedRead } from './flight';
import { Flights, isOpen, type ReadFlight } from './flights';

/** The time by which a timer of a manager may fire too early, in milliseconds. */
const TIMER_SLACK_MS = 20;

export interface SingleFlightOptions {
  /** The deadline of a caller that gives no `timeoutMs`, in milliseconds. Default 30 000. */
  readonly timeoutMs?: number;
  /** `true` if the manager reads several secrets with one call. */
  readonly readsBatches?: boolean;
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

/**
 * Shares one call to the store among concurrent reads of the same secret. Each caller keeps its own deadline;
 * aborting one does not affect the others. The call is cancelled when the last caller has left. A batch and a
 * single read share calls, too.
 *
 * A caller with `maxAgeMs` joins no call that started earlier than that. All such callers share one follow-up
 * call. A secret never has two calls in flight, and no answer is older than its question.
 */
export class SingleFlightPolicy extends Policy implements WriteObserver {
  readonly #timeoutMs: number;
  readonly #readsBatches: boolean;
  readonly #flights = new Flights();
  readonly #deadlines = new Deadlines();
  #observer: FlightObserver | undefined;
  #health: SharedCall<boolean> | undefined;
  #isClosed = false;

  constructor(
    inner: Pipeline,
    { timeoutMs = DEFAULT_TIMEOUT_MS, readsBatches = false }: SingleFlightOptions = {},
  ) {
    super(inner);
    this.#timeoutMs = timeoutMs;
    this.#readsBatches = readsBatches;
  }

  /** The clock on which calls start and answers age. */
  get clock(): AgeClock {
    return this.#flights.clock;
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

  /** Reads once in the background. Does nothing if a read of the secret is in flight. */
  refreshInBackground(secretName: string, params: CallOptions['params']): void {
    const key = secretKey(secretName, params);
    if (this.#isClosed || this.isInFlight(key)) return;
    const terms = {
      timeoutMs: this.#timeoutMs,
      attempts: 'single',
      isBackground: true,
    } as const;
    this.launch(new Flight(key, secretName, params, terms));
  }

  isInFlight(key: string): boolean {
    return this.#flights.joinable(key) !== undefined;
  }

  invalidate(secretName?: string): void {
    this.supersede(secretName);
  }

  /** Keeps the answer of a flight out of the cache. See {@link Flights.outdate}. */
  outdate(key: string): void {
    this.#flights.outdate(key);
  }

  supersede(secretName?: string): void {
    this.#flights.supersede(secretName);
  }

  override checkHealth(options: CallOptions = {}): Promise<boolean> {
    const context = this.context('checkHealth');
    const { timeoutMs = HEALTH_TIMEOUT_MS } = options;
    if (!isOpen(this.#health)) this.#health = this.launchHealthCheck(timeoutMs);
    return this.#health.wait(options, timeoutMs, context, this.#deadlines);
  }

  override close(): void | Promise<void> {
    this.#isClosed = true;
    this.#flights.cancelAll(shuttingDown(this.context('close')));
    this.#deadlines.close();
    return super.close();
  }

  private newFlight(key: string, secretName: string, options: CallOptions): ReadFlight {
    const { params, timeoutMs = this.#timeoutMs, [ATTEMPTS]: attempts } = options;
    return new Flight(key, secretName, params, { timeoutMs, attempts });
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
      .filter(({ key }) => !this.isInFlight(key));
    if (flights.length === 0) return;
    const batch = new Batch(flights, options, (names, given) =>
      this.inner.readSecrets(names, given),
    );
    for (const flight of flights) {
      this.launch(flight, () => batch.read(flight, () => this.readAlone(flight)));
    }
  }

  private launchHealthCheck(timeoutMs: number): SharedCall<boolean> {
    const call = new SharedCall<boolean>({ timeoutMs });
    const end = (): void => {
      if (this.#health === call) this.#health = undefined;
      call.end();
    };
    call.share(this.inner.checkHealth(new SharedCallOptions(call, undefined)).finally(end));
    return call;
  }

  private launch(flight: ReadFlight, readFirst?: () => Promise<SecretReading | undefined>): void {
    this.#flights.add(flight);
    this.#flights.start(flight);
    flight.share(this.fly(flight, readFirst));
  }

  /** Returns the call that a caller may join, or a follow-up call if the call is older than `maxAgeMs`. */
  private flightFor(key: string, options: CallOptions): ReadFlight | undefined {
    const flight = this.#flights.joinable(key);
    const { maxAgeMs } = options;
    if (flight === undefined || maxAgeMs === undefined || !this.isWanted(options)) return flight;
    const isRecent = this.#flights.isRecent(flight, maxAgeMs);
    return isRecent ? flight : this.follow(flight, options);
  }

  /** Returns the follow-up call, which starts when this one has ended. */
  private follow(flight: ReadFlight, options: CallOptions): ReadFlight {
    if (isOpen(flight.next)) return flight.next;
    const next = this.newFlight(flight.key, flight.secretName, options);
    this.#flights.add(next);
    next.share(
      new Promise((resolve, reject) => {
        next.whenStarted = () => resolve(this.fly(next));
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

  /**
   * Asks the store, and settles the flight before its waiters get the outcome. An attempt ends with the
   * deadline that the manager was given. If a caller with more time has joined, another attempt starts.
   *
   * @param readFirst reads the secret together with others; by default the secret is read alone
   */
  private async fly(
    flight: ReadFlight,
    readFirst?: () => Promise<SecretReading | undefined>,
  ): Promise<SecretReading | undefined> {
    try {
      for (let read = readFirst, startedAt = flight.startedAt; ; startedAt = this.clock.now()) {
        const { endsAt } = flight;
        try {
          return this.settle(flight, await (read?.() ?? this.readAlone(flight)), startedAt);
        } catch (error) {
          if (!isOutlived(flight, endsAt, error)) return await this.settleFailure(flight, error);
        }
        read = undefined;
      }
    } finally {
      flight.end();
    }
  }

  private settle(
    flight: ReadFlight,
    reading: SecretReading | undefined,
    startedAt: number,
  ): SecretReading | undefined {
    if (flight.isSuperseded) this.#observer?.onDiscard(flight);
    else this.#observer?.onAnswer(flight, reading, startedAt);
    this.#flights.end(flight);
    return reading;
  }

  /** Rejects with the failure. The waiters of a superseded flight get the answer of a fresh read instead. */
  private async settleFailure(
    flight: ReadFlight,
    error: unknown,
  ): Promise<SecretReading | undefined> {
    this.#flights.end(flight);
    if (flight.isSuperseded && flight.isAwaited && isTransient(error)) {
      return await this.readSecret(flight.secretName, freshReadOptions(flight));
    }
    if (flight.isSuperseded || isAbandoned(flight, error)) this.#observer?.onDiscard(flight);
    else this.#observer?.onFailure(flight, error);
    throw error;
  }

  private readAlone(flight: ReadFlight): Promise<SecretReading | undefined> {
    return this.inner.readSecret(flight.secretName, flight.callOptions());
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

/** Returns the options of a fresh read for the waiters of a superseded flight: the time left, with retries. */
function freshReadOptions(flight: ReadFlight): CallOptions {
  const { params, timeoutMs, signal } = flight.callOptions();
  return { params, timeoutMs, signal };
}

/** Returns whether a call was cancelled because its callers left. Such a call says nothing about the store. */
function isAbandoned({ reason }: ReadFlight, error: unknown): boolean {
  return reason !== undefined && hasCode(error, 'CANCELLED');
}

/** Returns whether an attempt ended with its deadline, while a caller with more time has joined. */
function isOutlived(flight: ReadFlight, endsAt: number, error: unknown): boolean {
  const hasTimeLeft = flight.isAwaited && flight.endsAt > endsAt && !flight.isSuperseded;
  return hasTimeLeft && hasCode(error, 'TIMEOUT') && now() >= endsAt - TIMER_SLACK_MS;
}
