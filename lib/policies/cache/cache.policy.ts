import { ATTEMPTS, singleAttempt, type CallOptions } from '../../core/calls/cancellation';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { hasCode, isSecretManagerError } from '../../core/errors/secret-manager.error';
import { Policy, asOutcome, outcomeOf, type ReadOutcome, type SecretReadings } from '../policy';
import { sharedRead, type SharedRead } from '../single-flight/flight';
import type { SingleFlightPolicy } from '../single-flight/single-flight.policy';
import type { FleetTerms, ReportedChange } from '../writes/announcements';
import { RecentChanges } from '../writes/recent-changes';
import { RecentWrites, type SecretState } from '../writes/recent-writes';
import type { WriteObserver } from '../writes/writes.policy';
import type { CacheEntry } from './cache-entry';
import { toReading } from './cache-views';
import type { CacheOptions } from './cache-options';
import { CachedSecrets } from './cached-secrets';
import { isLeaseOver } from './freshness';
import type { CacheObserver, CachedReading, SecretCache, SecretInspection } from './secret-cache';
import type { CacheHits } from './cache-hits';

/**
 * Answers from memory within stated bounds.
 *
 * A value is fresh for `ttlMs`. Then the value is served while a background refresh runs. After that the store
 * is asked, and the value is served only if the store cannot be asked. A denial and an absence drop the value
 * at once. Only a successful read, or a write through this policy, makes a value younger.
 */
export class CachePolicy extends Policy implements SecretCache, WriteObserver {
  readonly #flights: SingleFlightPolicy;
  readonly #recentWrites: RecentWrites;
  readonly #cached: CachedSecrets;
  readonly #hits: CacheHits;
  readonly maxStaleMs: number;

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
    recentChanges: RecentChanges = new RecentChanges(),
  ) {
    super(inner);
    this.#flights = inner;
    this.#recentWrites = recentWrites;
    this.maxStaleMs = ttlMs + staleIfErrorMs;
    this.#cached = new CachedSecrets(inner, recentWrites, recentChanges, {
      bounds: { ttlMs, staleWhileRevalidateMs, staleIfErrorMs, absenceTtlMs },
      maxEntries,
      onStateChange,
    });
    this.#hits = this.#cached.hits;
    inner.observe(this.#cached);
  }

  peek(secretName: string): string | undefined {
    return this.#hits.peek(secretName);
  }

  override async readSecret(
    secretName: string,
    options: CallOptions = {},
  ): Promise<SecretReading | undefined> {
    const read = sharedRead(secretName, options.params);
    const entry = this.#hits.servable(read, options);
    if (entry !== undefined) return toReading(entry);
    try {
      return await this.#flights.readSecret(secretName, this.attemptOptions(read.key, options));
    } catch (error) {
      return this.#hits.staleOrThrow(read, error, options);
    }
  }

  override readSecretSync(
    secretName: string,
    options: CallOptions = {},
  ): SecretReading | undefined {
    const read = sharedRead(secretName, options.params);
    const entry = this.#hits.servable(read, options) ?? this.#hits.servableUnasked(read, options);
    if (entry !== undefined) return toReading(entry);
    const startedAt = this.#flights.clock.now();
    try {
      const reading = this.inner.readSecretSync(secretName, options);
      if (this.#recentWrites.mayBeReplaced(read.key, reading))
        return this.#hits.laggingAnswer(read, reading);
      this.#flights.outdate(read.key);
      this.#cached.onAnswer(read, reading, startedAt);
      return reading;
    } catch (error) {
      if (!hasCode(error, 'UNSUPPORTED')) this.#cached.onFailure(read, error);
      else this.#cached.refreshes.refreshKept(read);
      return this.#hits.staleOrThrow(
        read,
        this.#cached.refreshes.errorOf(read.key) ?? error,
        options,
      );
    } finally {
      this.#cached.entries.clearMemo(); // the read blocked the thread
    }
  }

  override async readSecrets(
    secretNames: readonly string[],
    options: CallOptions = {},
  ): Promise<SecretReadings> {
    const { params } = options;
    const served = new Map<string, CacheEntry>();
    for (const secretName of secretNames) {
      const entry = this.#hits.servable(sharedRead(secretName, params), options);
      if (entry !== undefined) served.set(secretName, entry);
    }
    const missing = secretNames.filter((secretName) => !served.has(secretName));
    const outcomes: SecretReadings =
      missing.length > 0 ? await this.#flights.readSecrets(missing, options) : new Map();
    const readings = new Map<string, ReadOutcome>();
    for (const secretName of secretNames) {
      const entry = served.get(secretName);
      const read = sharedRead(secretName, params);
      if (entry === undefined) {
        readings.set(secretName, this.staleOrOutcome(read, outcomes.get(secretName), options));
      } else {
        const again = () => this.readSecret(secretName, options).catch(asOutcome);
        readings.set(
          secretName,
          isLeaseOver(entry, this.#hits.ageOf(entry)) ? await again() : toReading(entry),
        );
      }
    }
    return readings;
  }

  pin(secretName: string): void {
    this.#cached.refreshes.pin(secretName);
  }

  unpin(secretName: string): void {
    this.#cached.refreshes.unpin(secretName);
  }

  cached(secretName: string): CachedReading | undefined {
    return this.#hits.reading(secretName);
  }

  observe(observer: CacheObserver): () => void {
    return this.#cached.observe(observer);
  }

  async refresh(secretName?: string): Promise<void> {
    const reads = this.#cached.entries.readsOf(secretName);
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
    const reads = this.#cached.entries.readsOf(secretName);
    this.supersede(secretName);
    for (const { key } of reads) this.#cached.drop(key);
  }

  supersede(secretName?: string): void {
    this.#flights.supersede(secretName);
  }

  expire(secretName: string | undefined, change: ReportedChange): void {
    const kept = this.#cached.changes.expire(secretName, change);
    if (kept) this.#flights.supersede(secretName, kept);
  }

  revoke(secretName: string | undefined, change: ReportedChange): void {
    this.supersede(secretName);
    this.#cached.changes.revoke(secretName, change);
  }

  joinFleet(fleet: FleetTerms): void {
    this.#cached.fleet.joinFleet(fleet);
    this.#flights.joinFleet(fleet);
  }

  limitFreshness(isCut: boolean): void {
    this.#cached.limitFreshness(isCut);
  }

  heldNames(): Iterable<string> {
    return [...this.#cached.heldNames(), ...this.#flights.heldNames()];
  }

  /** Stores a value that was written through this policy, at age 0. */
  storeWritten(read: SharedRead, { value, version }: SecretState): void {
    const reading = value === undefined ? undefined : { value, version };
    this.#cached.onAnswer(read, reading, this.#flights.clock.now(), 'write');
  }

  inspect(): readonly SecretInspection[] {
    return this.#hits.inspect();
  }

  override close(): void | Promise<void> {
    this.#cached.close();
    return super.close();
  }

  private staleOrOutcome(
    read: SharedRead,
    outcome: ReadOutcome,
    options: CallOptions,
  ): ReadOutcome {
    if (!isSecretManagerError(outcome)) return outcome;
    return outcomeOf(() => this.#hits.staleOrThrow(read, outcome, options));
  }

  /**
   * Returns the options of a read, limited to one attempt while refreshes fail. The cache then spaces the
   * attempts instead of the retry.
   */
  private attemptOptions(key: string, options: CallOptions): CallOptions {
    const isFailing = options[ATTEMPTS] === undefined && this.#cached.refreshes.isFailing(key);
    return isFailing ? singleAttempt(options) : options;
  }
}
