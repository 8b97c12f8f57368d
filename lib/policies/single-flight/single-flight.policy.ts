import { cancelled, closed, shuttingDown, type CallOptions } from '../../core/calls/cancellation';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { isTransient } from '../../core/errors/secret-manager.error';
import type { AgeClock } from '../../core/time/clock';
import { Deadlines } from '../../core/time/deadlines';
import { DEFAULT_TIMEOUT_MS } from '../../core/time/durations';
import { secretKey } from '../../core/validation/params';
import { Policy, asOutcome, type Pipeline, type SecretReadings } from '../policy';
import type { Announcer, FleetTerms } from '../writes/announcements';
import type { WriteObserver } from '../writes/writes.policy';
import { Batch } from './batch';
import { freshReadOptions, isAbandoned, isOutlived } from './failed-flight';
import { Flight, type FlightObserver } from './flight';
import { Flights, type ReadFlight } from './flights';
import { SharedHealthCheck } from './shared-health-check';

export interface SingleFlightOptions {
  /** The deadline of a caller that gives no `timeoutMs`, in milliseconds. Default 30 000. */
  readonly timeoutMs?: number;
  /** `true` if the manager reads several secrets with one call. */
  readonly readsBatches?: boolean;
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
  readonly #flights: Flights;
  readonly #deadlines = new Deadlines();
  #observer: FlightObserver | undefined;
  readonly #health: SharedHealthCheck;
  #announcer: Announcer | undefined;
  #isClosed = false;

  constructor(
    inner: Pipeline,
    { timeoutMs = DEFAULT_TIMEOUT_MS, readsBatches = false }: SingleFlightOptions = {},
  ) {
    super(inner);
    this.#timeoutMs = timeoutMs;
    this.#readsBatches = readsBatches;
    this.#flights = new Flights(timeoutMs, (flight) => this.fly(flight));
    this.#health = new SharedHealthCheck(inner, this.#deadlines);
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

  /** @param kept the keys of the flights that go on */
  supersede(secretName?: string, kept?: ReadonlySet<string>): void {
    this.#flights.supersede(secretName, kept);
  }

  expire(secretName: string | undefined): void {
    this.supersede(secretName);
  }

  revoke(secretName: string | undefined): void {
    this.supersede(secretName);
  }

  joinFleet({ announcer }: FleetTerms): void {
    this.#announcer = announcer;
  }

  limitFreshness(): void {
    // nothing is cached
  }

  heldNames(): Iterable<string> {
    return this.#flights.names();
  }

  override checkHealth(options: CallOptions = {}): Promise<boolean> {
    return this.#health.wait(options, this.context('checkHealth'));
  }

  override close(): void | Promise<void> {
    this.#isClosed = true;
    this.#flights.cancelAll(shuttingDown(this.context('close')));
    this.#deadlines.close();
    return super.close();
  }

  private launchRead(
    key: string,
    secretName: string,
    options: CallOptions,
  ): ReadFlight | undefined {
    if (!this.isWanted(options)) return undefined;
    const flight = this.#flights.create(key, secretName, options);
    this.launch(flight);
    return flight;
  }

  private launchBatch(secretNames: readonly string[], options: CallOptions): void {
    const flights = [...new Set(secretNames)]
      .map((name) => this.#flights.create(secretKey(name, options.params), name, options))
      .filter(({ key }) => !this.isInFlight(key));
    if (flights.length === 0) return;
    const batch = new Batch(flights, options, (names, given) =>
      this.inner.readSecrets(names, given),
    );
    for (const flight of flights) {
      this.launch(flight, () => batch.read(flight, () => this.readAlone(flight)));
    }
  }

  private launch(flight: ReadFlight, readFirst?: () => Promise<SecretReading | undefined>): void {
    this.#announcer?.remember(flight.secretName);
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
    return isRecent ? flight : this.#flights.follow(flight, options);
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
