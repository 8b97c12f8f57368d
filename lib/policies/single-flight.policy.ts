import {
  CANCELLATION,
  Cancellation,
  EFFORT,
  cancelled,
  closed,
  shuttingDown,
  type CallOptions,
} from '../core/cancellation';
import { Bag } from '../core/bag';
import { now } from '../core/clock';
import { Deadlines } from '../core/deadlines';
import type {
  DeleteOptions,
  SecretMetadata,
  SecretReading,
  WriteOptions,
} from '../core/custom-secret-manager';
import { secretKey } from '../core/params';
import {
  isSecretManagerError,
  isTransient,
  type OperationContext,
  type SecretManagerError,
} from '../core/secret-manager.error';
import { Flight, type SharedRead } from './flight';
import { HEALTH_TIMEOUT_MS, Policy, asOutcome, type Pipeline, type SecretReadings } from './policy';

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
 */
export class SingleFlightPolicy extends Policy {
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
    { timeoutMs = 30_000, readsBatches = false }: SingleFlightOptions = {},
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
    const flight = this.flightOf(key) ?? this.launchRead(key, secretName, options);
    return this.join(flight, secretName, options);
  }

  override async readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    if (!this.#readsBatches) return await this.readEach(secretNames, options);
    if (this.isWanted(options)) this.launchBatch(secretNames, options);
    const outcomes = secretNames.map(async (secretName) => {
      const flight = this.flightOf(secretKey(secretName, options.params));
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

  /** What is being asked is older than what is known by now, and must not replace it. */
  outdate(key: string): void {
    const flight = this.#flights.get(key);
    if (flight !== undefined) flight.isSuperseded = true;
  }

  /** What was asked before now must, besides, not be answered to anybody who asks from now on. */
  supersede(isOvertaken: (flight: ReadFlight) => boolean): void {
    for (const flight of this.#aloft) {
      if (!isOvertaken(flight)) continue;
      flight.isSuperseded = true;
      this.clear(flight);
    }
  }

  override writeSecret(
    secretName: string,
    value: string,
    options?: WriteOptions,
  ): Promise<SecretMetadata> {
    return this.overtake(secretName, () => this.inner.writeSecret(secretName, value, options));
  }

  override deleteSecret(secretName: string, options?: DeleteOptions): Promise<SecretMetadata> {
    return this.overtake(secretName, () => this.inner.deleteSecret(secretName, options));
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
    const { params, timeoutMs = this.#timeoutMs, [EFFORT]: effort } = options;
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
        return outcomeOf(flight.secretName, await answers);
      });
    }
  }

  private launchHealthCheck(timeoutMs: number): Flight<boolean> {
    const flight = new Flight<boolean>('', '', undefined, { timeoutMs });
    const land = (): void => {
      if (this.#health === flight) this.#health = undefined;
      flight.end();
    };
    flight.depart(this.inner.checkHealth(flight.callOptions()).finally(land));
    return flight;
  }

  private launch(flight: ReadFlight, readBatch?: () => Promise<SecretReading | undefined>): void {
    this.#flights.set(flight.key, flight);
    this.#aloft.add(flight);
    flight.depart(this.fly(flight, readBatch));
  }

  /** @param readBatch reads it with others; by itself it is read where there is none, and once more */
  private async fly(
    flight: ReadFlight,
    readBatch?: () => Promise<SecretReading | undefined>,
  ): Promise<SecretReading | undefined> {
    try {
      for (let { departsAt } = flight, read = readBatch; ; departsAt = now(), read = undefined) {
        const { endsAt } = flight;
        try {
          const reading = await (read === undefined ? this.readAlone(flight) : read());
          if (flight.isSuperseded) this.#observer?.ended(flight);
          else this.#observer?.landed(flight, reading, departsAt);
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

  private clear(flight: ReadFlight): void {
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key);
  }

  /** What can be joined: not what is ending because its callers have left. */
  private flightOf(key: string): ReadFlight | undefined {
    const flight = this.#flights.get(key);
    return isOpen(flight) ? flight : undefined;
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

  private async overtake<T>(secretName: string, write: () => Promise<T>): Promise<T> {
    const isOvertaken = (flight: ReadFlight): boolean => flight.secretName === secretName;
    this.supersede(isOvertaken);
    try {
      return await write();
    } finally {
      this.supersede(isOvertaken);
    }
  }

  private context(operation: string, secretName?: string): OperationContext {
    return { manager: this.secretManagerName, operation, secretName };
  }
}

function isOpen<Outcome>(flight: Flight<Outcome> | undefined): flight is Flight<Outcome> {
  return flight !== undefined && flight.reason === undefined;
}

/** A batch ends when all its readers have left, or with the longest of them; it is not repeated once a write has overtaken it. */
function batchOptions(
  flights: readonly ReadFlight[],
  { params, [EFFORT]: effort }: CallOptions,
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
    get [EFFORT]() {
      return flights.some(({ isSuperseded }) => isSuperseded) ? 'single' : effort;
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
