import { ATTEMPTS, triedOnce, type CallOptions } from '../../core/calls/cancellation';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import {
  isSecretManagerError,
  isTransient,
  type SecretManagerError,
  type SecretManagerErrorCode,
} from '../../core/errors/secret-manager.error';
import type { AgeClock } from '../../core/time/clock';
import { Policy, asOutcome, type SecretReadings } from '../policy';
import { plainRead, sharedRead, type SharedRead } from '../single-flight/flight';
import type { FlightObserver, SingleFlightPolicy } from '../single-flight/single-flight.policy';
import { REPLICA_LAG_MS, RecentWrites, type SecretState } from '../writes/recent-writes';
import type { WriteObserver } from '../writes/writes.policy';
import { CacheEntries } from './cache-entries';
import { dueAt, type CacheEntry } from './cache-entry';
import { PinnedSecrets } from './pinned-secrets';
import { RefreshBackoff } from './refresh-backoff';
import type { SecretCache, SecretInspection } from './secret-cache';

export interface CacheOptions {
  /** How long a value is fresh, in milliseconds, less up to 10 % so that not all expire together. Default 300 000. */
  readonly ttlMs?: number;
  /** For how long after that it is served while a refresh runs behind it, in milliseconds. Default 60 000. */
  readonly staleWhileRevalidateMs?: number;
  /** For how long after `ttlMs` it is served if the store cannot be asked, in milliseconds. Default 3 600 000 (RFC 5861). */
  readonly staleIfErrorMs?: number;
  /** For how long an absence is remembered, in milliseconds. Default 10 000. */
  readonly absenceTtlMs?: number;
  /** How many values are kept; the least recently used go first. Default 10 000. Absences have a bound of their own, 1 000. */
  readonly maxEntries?: number;
  /** Told once when the first refresh fails, and once when none fails any more. */
  readonly onStateChange?: (state: 'stale' | 'recovered', error?: unknown) => void;
}

const JITTER = 0.1;

/**
 * Answers from memory within stated bounds. A value is fresh for `ttlMs`; then it is served while a refresh runs behind it;
 * then the store is asked, and the value serves on only if the store cannot be asked. A denial and an absence end it at
 * once. Only a successful read, or a write through here, makes it younger.
 */
export class CachePolicy extends Policy implements SecretCache, FlightObserver, WriteObserver {
  readonly #flights: SingleFlightPolicy;
  readonly #clock: AgeClock;
  readonly #recentWrites: RecentWrites;
  readonly #options: Required<Omit<CacheOptions, 'maxEntries' | 'onStateChange'>>;
  readonly #entries: CacheEntries;
  #isClosed = false;
  readonly #pinned: PinnedSecrets;
  readonly #backoff: RefreshBackoff;

  constructor(
    inner: SingleFlightPolicy,
    {
      ttlMs = 300_000,
      staleWhileRevalidateMs = 60_000,
      staleIfErrorMs = 3_600_000,
      absenceTtlMs = 10_000,
      maxEntries = 10_000,
      onStateChange,
    }: CacheOptions = {},
    recentWrites: RecentWrites = new RecentWrites(),
  ) {
    super(inner);
    this.#flights = inner;
    this.#clock = inner.clock;
    this.#recentWrites = recentWrites;
    this.#options = { ttlMs, staleWhileRevalidateMs, staleIfErrorMs, absenceTtlMs };
    this.#pinned = new PinnedSecrets((read) => this.refreshBehind(read), this.#clock);
    this.#entries = new CacheEntries(maxEntries, this.#pinned, this.#clock);
    this.#backoff = new RefreshBackoff(this.#clock, onStateChange);
    inner.observe(this);
  }

  peek(secretName: string): string | undefined {
    return this.#entries.freshValue(secretName) ?? this.servable(plainRead(secretName))?.value;
  }

  override async readSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretReading | undefined> {
    const read = sharedRead(secretName, options.params);
    const entry = this.servable(read, options);
    if (entry !== undefined) return toReading(entry);
    try {
      return await this.#flights.readSecret(secretName, this.spared(read.key, options));
    } catch (error) {
      return this.staleOrThrow(read, error, options);
    }
  }

  override readSecretSync(
    secretName: string,
    options: CallOptions = {},
  ): SecretReading | undefined {
    const read = sharedRead(secretName, options.params);
    const entry = this.servable(read, options) ?? this.servableUnasked(read, options);
    if (entry !== undefined) return toReading(entry);
    const startedAt = this.#clock.now();
    try {
      const reading = this.inner.readSecretSync(secretName, options);
      if (this.#recentWrites.mayBeReplaced(read.key, reading))
        return this.unrepeated(read, reading);
      this.#flights.outdate(read.key);
      this.landed(read, reading, startedAt);
      return reading;
    } catch (error) {
      if (!hasCode(error, 'UNSUPPORTED')) this.failed(read, error);
      else if (this.isKept(read.key)) this.refreshWhenDue(read);
      return this.staleOrThrow(read, this.#backoff.errorOf(read.key) ?? error, options);
    } finally {
      this.#entries.cool(); // the thread stood still
    }
  }

  override async readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    const { params } = options;
    const served = new Map<string, CacheEntry>();
    for (const secretName of secretNames) {
      const entry = this.servable(sharedRead(secretName, params), options);
      if (entry !== undefined) served.set(secretName, entry);
    }
    const missing = secretNames.filter((secretName) => !served.has(secretName));
    const outcomes: SecretReadings =
      missing.length > 0 ? await this.#flights.readSecrets(missing, options) : new Map();
    const readings = new Map<string, SecretReading | SecretManagerError | undefined>();
    for (const secretName of secretNames) {
      const entry = served.get(secretName);
      const read = sharedRead(secretName, params);
      if (entry === undefined) {
        readings.set(secretName, this.staleOrOutcome(read, outcomes.get(secretName), options));
      } else {
        const again = () => this.readSecret(secretName, options).catch(asOutcome);
        readings.set(secretName, this.isOver(entry) ? await again() : toReading(entry));
      }
    }
    return readings;
  }

  pin(secretName: string): void {
    const read = sharedRead(secretName, undefined);
    this.#pinned.add(read);
    this.planRefresh(read.key);
  }

  async refresh(secretName?: string): Promise<void> {
    const reads = secretName === undefined ? this.cachedReads() : this.#entries.readsOf(secretName);
    const names = reads.filter(({ params }) => params === undefined).map((read) => read.secretName);
    const variants = reads.filter(({ params }) => params !== undefined);
    const [outcomes, ...failures] = await Promise.all([
      this.readSecrets(names, { maxAgeMs: 0 }),
      ...variants.map(({ secretName: name, params }) =>
        this.readSecret(name, { params, maxAgeMs: 0 }).catch(asOutcome),
      ),
    ]);
    for (const outcome of [...outcomes.values(), ...failures]) {
      if (isSecretManagerError(outcome)) throw outcome;
    }
  }

  invalidate(secretName?: string): void {
    const reads = secretName === undefined ? this.cachedReads() : this.#entries.readsOf(secretName);
    this.supersede(secretName);
    for (const { key } of reads) this.drop(key);
  }

  supersede(secretName?: string): void {
    this.#flights.supersede(secretName);
  }

  /** Keeps what was written through here, at age 0. */
  written(read: SharedRead, { value, version }: SecretState): void {
    const reading = value === undefined ? undefined : { value, version };
    this.landed(read, reading, this.#clock.now());
  }

  inspect(): readonly SecretInspection[] {
    const at = Math.trunc(this.#clock.now());
    return this.#entries
      .all()
      .map(([read, entry]) => this.inspection(read, entry, at - entry.readAt))
      .filter((inspection) => inspection !== undefined);
  }

  override close(): void | Promise<void> {
    this.#isClosed = true;
    this.#recentWrites.clear();
    this.#pinned.close();
    this.#entries.clear();
    this.#backoff.clear();
    return super.close();
  }

  landed(read: SharedRead, reading: SecretReading | undefined, startedAt: number): void {
    this.#backoff.succeeded(read.key);
    this.store(read, reading, startedAt);
  }

  failed(read: SharedRead, error: unknown): void {
    if (!isTransient(error) && !hasCode(error, 'CANCELLED')) this.drop(read.key);
    if (this.isKept(read.key)) {
      this.#backoff.failed(read.key, error, this.#entries.ofKey(read.key) !== undefined);
    }
    this.planRefresh(read.key);
  }

  ended({ key }: SharedRead): void {
    this.planRefresh(key);
  }

  /** The entry that may be served without asking the store first, with a refresh behind it where it is due. */
  private servable(read: SharedRead, options: CallOptions = {}): CacheEntry | undefined {
    const entry = this.#entries.get(read);
    if (entry === undefined) return undefined;
    const { maxAgeMs = Infinity, staleIfErrorMs = Infinity } = options;
    const ageMs = this.ageOf(entry);
    if (ageMs >= maxAgeMs || ageMs >= (entry.validForMs ?? Infinity)) return undefined;
    const staleForMs = ageMs - this.freshMs(entry);
    if (staleForMs >= 0) {
      if (entry.value === undefined || ageMs >= staleIfErrorMs) return undefined;
      const lasts = ageMs < this.lastsMs(entry, staleBoundOf(options));
      if (this.#backoff.isFailing(read.key) && !lasts) return undefined;
      const isSpaced = lasts && this.#backoff.isWaiting(read.key);
      if (!isSpaced && staleForMs >= this.#options.staleWhileRevalidateMs) return undefined;
      this.refreshWhenDue(read);
    }
    this.#entries.touch(entry);
    return entry;
  }

  /**
   * The entry that may be served because the store cannot be asked, or is being asked: to ask it synchronously would stop the
   * event loop for as long as it hangs.
   */
  private servableUnasked(
    read: SharedRead,
    { maxAgeMs, staleIfErrorMs }: CallOptions,
  ): CacheEntry | undefined {
    const { key } = read;
    const entry = this.#entries.get(read);
    if (entry?.value === undefined || maxAgeMs !== undefined) return undefined;
    if (!this.#backoff.isFailing(key) && !this.#flights.isInFlight(key)) return undefined;
    if (this.ageOf(entry) >= this.lastsMs(entry, staleIfErrorMs)) return undefined;
    this.refreshWhenDue(read);
    this.#entries.touch(entry);
    return entry;
  }

  /**
   * Returns the answer of a synchronous read, which cannot wait for a replica: what the cache holds or a write has left, as long as
   * that is fresh. Else what it read, which does not enter the cache, because it was not read again.
   */
  private unrepeated(
    read: SharedRead,
    reading: SecretReading | undefined,
  ): SecretReading | undefined {
    const entry = this.#entries.get(read);
    const isKnown = entry && !this.#recentWrites.mayBeReplaced(read.key, toReading(entry));
    if (isKnown && this.ageOf(entry) < this.freshMs(entry)) return toReading(entry);
    const { ttlMs, absenceTtlMs } = this.#options;
    const isAbsent = ({ value }: SecretState) => value === undefined;
    const left = this.#recentWrites.left(read.key, (state) =>
      isAbsent(state) ? absenceTtlMs : ttlMs,
    );
    return left === undefined ? reading : toReading(left);
  }

  /**
   * A failure is answered with the last value if the store could not be asked, and the value is young enough. A caller that asks
   * for an age gets the failure, unless it also says how old the answer may be then.
   */
  private staleOrThrow(
    read: SharedRead,
    error: unknown,
    options: CallOptions,
  ): SecretReading | undefined {
    const entry = this.#entries.get(read);
    if (entry === undefined) throw error;
    const ageMs = this.ageOf(entry);
    if (hasCode(error, 'UNSUPPORTED')) {
      // there may be no synchronous read
      const { maxAgeMs = Infinity, staleIfErrorMs = Infinity } = options;
      const isFresh = ageMs < this.freshMs(entry);
      const staleMs = isFresh ? Infinity : staleIfErrorMs;
      const boundMs = Math.min(maxAgeMs, staleMs, this.lastsMs(entry));
      if (ageMs < boundMs) return toReading(entry);
      throw error;
    }
    const isYoungEnough = ageMs < this.lastsMs(entry, staleBoundOf(options));
    if (!isYoungEnough || !isTransient(error) || entry.value === undefined) throw error;
    return toReading(entry);
  }

  private staleOrOutcome(
    read: SharedRead,
    outcome: SecretReading | SecretManagerError | undefined,
    options: CallOptions,
  ): SecretReading | SecretManagerError | undefined {
    if (!isSecretManagerError(outcome)) return outcome;
    try {
      return this.staleOrThrow(read, outcome, options);
    } catch {
      return outcome;
    }
  }

  /** Whether a lease has ended, as it may while a batch waits for others. */
  private isOver(entry: CacheEntry): boolean {
    return this.ageOf(entry) >= (entry.validForMs ?? Infinity);
  }

  private ageOf({ readAt }: CacheEntry): number {
    return this.#clock.now() - readAt;
  }

  /** While refreshes fail, whoever asks past the backoff asks once: the cache spaces what the retry would repeat. */
  private spared(key: string, options: CallOptions): CallOptions {
    const isFailing = options[ATTEMPTS] === undefined && this.#backoff.isFailing(key);
    return isFailing ? triedOnce(options) : options;
  }

  private refreshBehind({ secretName, params }: SharedRead): void {
    this.#flights.refreshBehind(secretName, params);
  }

  private refreshWhenDue(read: SharedRead): void {
    if (!this.#backoff.isWaiting(read.key)) this.refreshBehind(read);
  }

  private isKept(key: string): boolean {
    return this.#entries.ofKey(key) !== undefined || this.#pinned.has(key);
  }

  private store(read: SharedRead, reading: SecretReading | undefined, readAt: number): void {
    if (this.#isClosed) return;
    const lastsMs = this.#recentWrites.mayBeReplaced(read.key, reading) ? REPLICA_LAG_MS : Infinity;
    const grantedMs = Math.min(reading?.validForMs ?? Infinity, lastsMs);
    const validForMs = grantedMs === Infinity ? undefined : grantedMs;
    this.#entries.set(read, {
      value: reading?.value,
      version: reading?.version,
      readAt: Math.trunc(readAt),
      freshUntil: this.freshUntil(reading, Math.trunc(readAt), validForMs),
      validForMs,
      used: 0,
    });
    for (const key of this.#entries.surplus()) this.drop(key);
    this.planRefresh(read.key);
  }

  /** Until when it answers without another look. What is valid for a limited time never does: it ends on time. */
  private freshUntil(
    reading: SecretReading | undefined,
    readAt: number,
    validForMs: number | undefined,
  ): number {
    const { ttlMs, absenceTtlMs } = this.#options;
    if (validForMs !== undefined) return 0;
    if (reading === undefined) return Math.trunc(readAt + absenceTtlMs);
    return Math.trunc(readAt + ttlMs * (1 - JITTER * Math.random()));
  }

  private freshMs({ value, readAt, freshUntil, validForMs }: CacheEntry): number {
    if (validForMs === undefined) return freshUntil - readAt;
    const { ttlMs, absenceTtlMs } = this.#options;
    return Math.min(value === undefined ? absenceTtlMs : ttlMs, validForMs);
  }

  /** @param boundMs how old it may be if the store cannot be asked; a lease ends on time all the same */
  private lastsMs(
    { validForMs = Infinity }: CacheEntry,
    boundMs: number = this.#options.ttlMs + this.#options.staleIfErrorMs,
  ): number {
    return Math.min(boundMs, validForMs);
  }

  private drop(key: string): void {
    this.#entries.delete(key);
    if (this.#pinned.has(key)) this.planRefresh(key);
    else this.#backoff.forget(key);
  }

  private planRefresh(key: string): void {
    if (!this.#pinned.has(key)) return;
    const due = dueAt(this.#entries.ofKey(key), this.#clock.now());
    this.#pinned.plan(key, Math.max(due, this.#backoff.nextAt(key)));
  }

  private inspection(
    { key, secretName: name }: SharedRead,
    entry: CacheEntry,
    ageMs: number,
  ): SecretInspection | undefined {
    const { value, version } = entry;
    const freshMs = this.freshMs(entry);
    const isFresh = ageMs < freshMs;
    if (value === undefined) return isFresh ? { name, state: 'absent', ageMs } : undefined;
    const servedMs = freshMs + this.#options.staleWhileRevalidateMs;
    const isLeaseOver = ageMs >= (entry.validForMs ?? Infinity);
    if (isLeaseOver || ageMs >= Math.max(servedMs, this.lastsMs(entry))) return undefined;
    const state = isFresh && !this.#backoff.isFailing(key) ? 'fresh' : 'stale';
    return { name, state, ageMs, ...(version !== undefined && { version }) };
  }

  private cachedReads(): SharedRead[] {
    return this.#entries.all().map(([read]) => read);
  }
}

function toReading({ value, version }: SecretState): SecretReading | undefined {
  return value === undefined ? undefined : { value, version };
}

/** How old a value may be for this caller if the store cannot be asked; `undefined`: as the cache has it. */
function staleBoundOf({ maxAgeMs, staleIfErrorMs }: CallOptions): number | undefined {
  return staleIfErrorMs ?? (maxAgeMs === undefined ? undefined : 0);
}

function hasCode(error: unknown, code: SecretManagerErrorCode): boolean {
  return isSecretManagerError(error) && error.code === code;
}
