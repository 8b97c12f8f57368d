import type { SecretReading } from '../../core/contract/custom-secret-manager';
import type { SecretChangeSource } from '../../core/contract/secret-change';
import { hasCode, isTransient } from '../../core/errors/secret-manager.error';
import { asOutcome, type ReadOutcome } from '../policy';
import type { FlightObserver, SharedRead } from '../single-flight/flight';
import type { SingleFlightPolicy } from '../single-flight/single-flight.policy';
import type { RecentChanges } from '../writes/recent-changes';
import { REPLICA_LAG_MS, type RecentWrites } from '../writes/recent-writes';
import { CacheEntries } from './cache-entries';
import { Expiries } from './expiries';
import { freshUntil, type FreshnessBounds } from './freshness';
import { PinnedSecrets } from './refresh/pinned-secrets';
import { Refreshes } from './refresh/refreshes';
import { ReportedChanges } from './reported-changes';
import type { CacheObserver } from './secret-cache';
import { CacheHits } from './cache-hits';
import { FleetFreshness } from './fleet-freshness';

export interface CachedSecretsOptions {
  readonly bounds: FreshnessBounds;
  readonly maxEntries: number;
  readonly onStateChange?: (state: 'stale' | 'recovered', error?: unknown) => void;
}

/** The secrets in memory. Every outcome of a read changes them: an answer is stored, and a denial drops the value. */
export class CachedSecrets implements FlightObserver {
  readonly #recentWrites: RecentWrites;
  readonly #recentChanges: RecentChanges;
  readonly #bounds: FreshnessBounds;
  readonly #pinned: PinnedSecrets;
  readonly #expiries: Expiries;
  readonly #observers = new Set<CacheObserver>();
  readonly entries: CacheEntries;
  readonly fleet: FleetFreshness;
  readonly hits: CacheHits;
  readonly refreshes: Refreshes;
  readonly changes: ReportedChanges;
  #isClosed = false;

  constructor(
    flights: SingleFlightPolicy,
    recentWrites: RecentWrites,
    recentChanges: RecentChanges,
    { bounds, maxEntries, onStateChange }: CachedSecretsOptions,
  ) {
    const { clock } = flights;
    const pinned = new PinnedSecrets(
      ({ secretName, params }) => flights.refreshInBackground(secretName, params),
      clock,
    );
    const entries = new CacheEntries(maxEntries, pinned, clock);
    const expiries = new Expiries(clock);
    const fleet = new FleetFreshness({ entries, expiries, bounds, clock, recentChanges });
    const refreshes = new Refreshes({ flights, entries, pinned, expiries, bounds, onStateChange });
    this.#recentWrites = recentWrites;
    this.#recentChanges = recentChanges;
    this.#bounds = bounds;
    this.#pinned = pinned;
    this.#expiries = expiries;
    this.entries = entries;
    this.fleet = fleet;
    this.hits = new CacheHits({ flights, entries, refreshes, fleet, recentWrites, bounds });
    this.refreshes = refreshes;
    this.changes = new ReportedChanges({
      entries,
      expiries,
      refreshes,
      recentWrites,
      recentChanges,
      drop: (key) => this.drop(key),
    });
  }

  /** Reports the outcomes of reads without params from now on. Returns a function that ends it. */
  observe(observer: CacheObserver): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  onAnswer(
    read: SharedRead,
    reading: SecretReading | undefined,
    startedAt: number,
    source: SecretChangeSource = 'read',
  ): void {
    const cause = source === 'read' ? this.fleet.causeOf(read.key) : source;
    if (cause === 'read') this.fleet.announceFound(read, reading);
    this.refreshes.recordSuccess(read.key);
    this.store(read, reading, startedAt, cause);
    if (this.#observers.size > 0) this.report(read, reading, cause);
  }

  onFailure(read: SharedRead, error: unknown): void {
    if (!isTransient(error) && !hasCode(error, 'CANCELLED')) this.drop(read.key);
    this.refreshes.recordFailure(read.key, error);
    if (this.#observers.size > 0) this.report(read, asOutcome(error), 'read');
  }

  onDiscard({ key }: SharedRead): void {
    this.refreshes.plan(key);
  }

  /** Limits the age at which values expire, while this instance is cut off from its fleet. */
  limitFreshness(isCut: boolean): void {
    this.fleet.limit(isCut);
    if (!isCut) return;
    for (const { key } of this.entries.readsOf()) this.refreshes.plan(key);
  }

  /** Returns the names that are cached or pinned. */
  heldNames(): string[] {
    return [...this.entries.readsOf().map(({ secretName }) => secretName), ...this.#pinned.names()];
  }

  drop(key: string): void {
    this.entries.delete(key);
    this.#expiries.delete(key);
    this.refreshes.onDrop(key);
  }

  close(): void {
    this.#isClosed = true;
    this.#observers.clear();
    this.#recentWrites.clear();
    this.#recentChanges.clear();
    this.fleet.close();
    this.#expiries.clear();
    this.refreshes.close();
    this.entries.clear();
  }

  private report(
    { key, params, secretName }: SharedRead,
    outcome: ReadOutcome,
    source: SecretChangeSource,
  ): void {
    if (params !== undefined && key !== secretName) return; // empty params are none
    for (const observer of this.#observers) observer.onOutcome(secretName, () => outcome, source);
  }

  private store(
    read: SharedRead,
    reading: SecretReading | undefined,
    readAt: number,
    cause: SecretChangeSource,
  ): void {
    if (this.#isClosed) return;
    const lastsMs = this.#recentWrites.mayBeReplaced(read.key, reading) ? REPLICA_LAG_MS : Infinity;
    const grantedMs = Math.min(reading?.validForMs ?? Infinity, lastsMs);
    const validForMs = grantedMs === Infinity ? undefined : grantedMs;
    const entry = {
      value: reading?.value,
      version: reading?.version,
      readAt: Math.trunc(readAt),
      freshUntil: freshUntil(this.#bounds, reading, Math.trunc(readAt), validForMs),
      leaseMs: reading?.validForMs,
      validForMs,
      used: 0,
    };
    this.fleet.adopt(read, entry, cause);
    this.entries.set(read, entry);
    const expiry = this.#expiries.settle(read.key, readAt);
    if (expiry) this.entries.limitFreshness(read.key, entry, expiry.at);
    for (const key of this.entries.surplus()) this.drop(key);
    this.refreshes.plan(read.key);
  }
}
