import { ATTEMPTS, singleAttempt, type CallOptions } from '../../core/calls/cancellation';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import type { SecretChangeSource } from '../../core/contract/secret-change';
import {
  hasCode,
  isSecretManagerError,
  isTransient,
  type SecretManagerError,
} from '../../core/errors/secret-manager.error';
import type { AgeClock } from '../../core/time/clock';
import { Policy, asOutcome, type SecretReadings } from '../policy';
import { plainRead, sharedRead, type SharedRead } from '../single-flight/flight';
import type { FlightObserver, SingleFlightPolicy } from '../single-flight/single-flight.policy';
import { REPLICA_LAG_MS, RecentWrites, type SecretState } from '../writes/recent-writes';
import type { WriteObserver } from '../writes/writes.policy';
import { CacheEntries } from './cache-entries';
import { dueAt, type CacheEntry } from './cache-entry';
import {
  freshMs,
  freshUntil,
  isLeaseOver,
  servable,
  servableOnError,
  servableUnasked,
  stateOf,
  type FreshnessBounds,
} from './freshness';
import { PinnedSecrets } from './pinned-secrets';
import { RefreshBackoff } from './refresh-backoff';
import type { CacheObserver, CachedSecret, SecretCache, SecretInspection } from './secret-cache';

export interface CacheOptions {
  /**
   * The time for which a value is fresh, in milliseconds. Up to 10 % are subtracted, so that values do not
   * expire together. Default 300 000.
   */
  readonly ttlMs?: number;
  /**
   * The time after `ttlMs` in which a value is served while a background refresh runs, in milliseconds. Default
   * 60 000.
   */
  readonly staleWhileRevalidateMs?: number;
  /**
   * The time after `ttlMs` in which a value is served if the store cannot be asked, in milliseconds. Default 3
   * 600 000 (RFC 5861).
   */
  readonly staleIfErrorMs?: number;
  /** The time for which an absence is cached, in milliseconds. Default 10 000. */
  readonly absenceTtlMs?: number;
  /**
   * The largest number of cached values. The least recently used ones are evicted first. Default 10 000.
   * Absences have a bound of their own, 1 000.
   */
  readonly maxEntries?: number;
  /** Called once when the first refresh fails, and once when all refreshes succeed again. */
  readonly onStateChange?: (state: 'stale' | 'recovered', error?: unknown) => void;
}

/**
 * Answers from memory within stated bounds.
 *
 * A value is fresh for `ttlMs`. Then the value is served while a background refresh runs. After that the store
 * is asked, and the value is served only if the store cannot be asked. A denial and an absence drop the value
 * at once. Only a successful read, or a write through this policy, makes a value younger.
 */
export class CachePolicy extends Policy implements SecretCache, FlightObserver, WriteObserver {
  readonly #flights: SingleFlightPolicy;
  readonly #clock: AgeClock;
  readonly #recentWrites: RecentWrites;
  readonly #bounds: FreshnessBounds;
  readonly #entries: CacheEntries;
  #isClosed = false;
  #observer: CacheObserver | undefined;
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
    this.#bounds = { ttlMs, staleWhileRevalidateMs, staleIfErrorMs, absenceTtlMs };
    this.#pinned = new PinnedSecrets((read) => this.refreshInBackground(read), this.#clock);
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
      return await this.#flights.readSecret(secretName, this.attemptOptions(read.key, options));
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
        return this.answerForLaggingRead(read, reading);
      this.#flights.outdate(read.key);
      this.onAnswer(read, reading, startedAt);
      return reading;
    } catch (error) {
      if (!hasCode(error, 'UNSUPPORTED')) this.onFailure(read, error);
      else if (this.isKept(read.key)) this.refreshWhenDue(read);
      return this.staleOrThrow(read, this.#backoff.errorOf(read.key) ?? error, options);
    } finally {
      this.#entries.clearMemo(); // the read blocked the thread
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
        readings.set(
          secretName,
          isLeaseOver(entry, this.ageOf(entry)) ? await again() : toReading(entry),
        );
      }
    }
    return readings;
  }

  pin(secretName: string): void {
    const read = sharedRead(secretName, undefined);
    this.#pinned.add(read);
    this.planRefresh(read.key);
  }

  unpin(secretName: string): void {
    this.#pinned.remove(sharedRead(secretName, undefined).key);
  }

  cached(secretName: string): CachedSecret | undefined {
    const entry = this.#entries.get(sharedRead(secretName, undefined));
    if (entry === undefined || isLeaseOver(entry, this.ageOf(entry))) return undefined;
    const { value, version, validForMs } = entry;
    const leftMs = validForMs === undefined ? undefined : validForMs - this.ageOf(entry);
    const expiresAt = leftMs === undefined ? undefined : new Date(Date.now() + leftMs);
    return { value, version, expiresAt };
  }

  observe(observer: CacheObserver | undefined): void {
    this.#observer = observer;
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

  /** Stores a value that was written through this policy, at age 0. */
  storeWritten(read: SharedRead, { value, version }: SecretState): void {
    const reading = value === undefined ? undefined : { value, version };
    this.onAnswer(read, reading, this.#clock.now(), 'write');
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

  onAnswer(
    read: SharedRead,
    reading: SecretReading | undefined,
    startedAt: number,
    source: SecretChangeSource = 'read',
  ): void {
    this.#backoff.recordSuccess(read.key);
    this.store(read, reading, startedAt);
    if (this.#observer) this.report(read, reading, source);
  }

  onFailure(read: SharedRead, error: unknown): void {
    if (!isTransient(error) && !hasCode(error, 'CANCELLED')) this.drop(read.key);
    if (this.isKept(read.key)) {
      this.#backoff.recordFailure(read.key, error, this.#entries.getByKey(read.key) !== undefined);
    }
    this.planRefresh(read.key);
    if (this.#observer) this.report(read, asOutcome(error), 'read');
  }

  onDiscard({ key }: SharedRead): void {
    this.planRefresh(key);
  }

  private report(
    { params, secretName }: SharedRead,
    outcome: SecretReading | SecretManagerError | undefined,
    source: SecretChangeSource,
  ): void {
    if (params === undefined) this.#observer?.onOutcome(secretName, () => outcome, source);
  }

  /** Returns the entry that may be served without asking the store. Refreshes it in the background if it is stale. */
  private servable(read: SharedRead, options: CallOptions = {}): CacheEntry | undefined {
    const entry = this.#entries.get(read);
    if (entry === undefined) return undefined;
    const refresh = this.#backoff.stateOf(read.key);
    const state = servable(this.#bounds, entry, this.ageOf(entry), options, refresh);
    if (state === undefined) return undefined;
    if (state === 'stale') {
      this.refreshWhenDue(read);
    }
    this.#entries.touch(entry);
    return entry;
  }

  /**
   * Returns the entry for a synchronous read while the store cannot be asked or a read is in flight. Another
   * call could block the event loop while the store hangs.
   */
  private servableUnasked(read: SharedRead, options: CallOptions): CacheEntry | undefined {
    const { key } = read;
    if (!this.#backoff.isFailing(key) && !this.#flights.isInFlight(key)) return undefined;
    const entry = this.#entries.get(read);
    const isServable = entry && servableUnasked(this.#bounds, entry, this.ageOf(entry), options);
    if (!isServable) return undefined;
    this.refreshWhenDue(read);
    this.#entries.touch(entry);
    return entry;
  }

  /**
   * Returns the answer of a synchronous read that may be outdated, because a synchronous read cannot wait for a
   * replica. A fresh cached value, or the state after a recent write, wins. Otherwise the answer itself is
   * returned, and not cached.
   */
  private answerForLaggingRead(
    read: SharedRead,
    reading: SecretReading | undefined,
  ): SecretReading | undefined {
    const entry = this.#entries.get(read);
    const isKnown = entry && !this.#recentWrites.mayBeReplaced(read.key, toReading(entry));
    if (isKnown && this.ageOf(entry) < freshMs(this.#bounds, entry)) return toReading(entry);
    const { ttlMs, absenceTtlMs } = this.#bounds;
    const isAbsent = ({ value }: SecretState) => value === undefined;
    const state = this.#recentWrites.lastState(read.key, (candidate) =>
      isAbsent(candidate) ? absenceTtlMs : ttlMs,
    );
    return state === undefined ? reading : toReading(state);
  }

  /** Returns the cached reading in place of a failure if the bounds permit it. Otherwise throws the failure. */
  private staleOrThrow(
    read: SharedRead,
    error: unknown,
    options: CallOptions,
  ): SecretReading | undefined {
    const entry = this.#entries.get(read);
    const isServable =
      entry && servableOnError(this.#bounds, entry, this.ageOf(entry), options, error);
    if (!isServable) throw error;
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

  private ageOf({ readAt }: CacheEntry): number {
    return this.#clock.now() - readAt;
  }

  /**
   * Returns the options of a read, limited to one attempt while refreshes fail. The cache then spaces the
   * attempts instead of the retry.
   */
  private attemptOptions(key: string, options: CallOptions): CallOptions {
    const isFailing = options[ATTEMPTS] === undefined && this.#backoff.isFailing(key);
    return isFailing ? singleAttempt(options) : options;
  }

  private refreshInBackground({ secretName, params }: SharedRead): void {
    this.#flights.refreshInBackground(secretName, params);
  }

  private refreshWhenDue(read: SharedRead): void {
    if (!this.#backoff.isWaiting(read.key)) this.refreshInBackground(read);
  }

  private isKept(key: string): boolean {
    return this.#entries.getByKey(key) !== undefined || this.#pinned.has(key);
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
      freshUntil: freshUntil(this.#bounds, reading, Math.trunc(readAt), validForMs),
      validForMs,
      used: 0,
    });
    for (const key of this.#entries.surplus()) this.drop(key);
    this.planRefresh(read.key);
  }

  private drop(key: string): void {
    this.#entries.delete(key);
    if (this.#pinned.has(key)) this.planRefresh(key);
    else this.#backoff.forget(key);
  }

  private planRefresh(key: string): void {
    if (!this.#pinned.has(key)) return;
    const due = dueAt(this.#entries.getByKey(key), this.#clock.now());
    this.#pinned.plan(key, Math.max(due, this.#backoff.nextAt(key)));
  }

  private inspection(
    { key, secretName: name }: SharedRead,
    entry: CacheEntry,
    ageMs: number,
  ): SecretInspection | undefined {
    const { value, version } = entry;
    const state = stateOf(this.#bounds, entry, ageMs, this.#backoff.isFailing(key));
    if (state === undefined) return undefined;
    const hasVersion = value !== undefined && version !== undefined;
    return { name, state, ageMs, ...(hasVersion && { version }) };
  }

  private cachedReads(): SharedRead[] {
    return this.#entries.all().map(([read]) => read);
  }
}

function toReading({ value, version }: SecretState): SecretReading | undefined {
  return value === undefined ? undefined : { value, version };
}
