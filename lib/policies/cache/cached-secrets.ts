import type { CallOptions } from '../../core/calls/cancellation';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import type { SecretChangeSource } from '../../core/contract/secret-change';
import {
  hasCode,
  isTransient,
  type SecretManagerError,
} from '../../core/errors/secret-manager.error';
import type { AgeClock } from '../../core/time/clock';
import { asOutcome } from '../policy';
import { plainRead, sharedRead, type SharedRead } from '../single-flight/flight';
import type { FlightObserver } from '../single-flight/flight-observer';
import type { SingleFlightPolicy } from '../single-flight/single-flight.policy';
import type { FleetTerms, ReportedChange } from '../writes/announcements';
import type { RecentChanges } from '../writes/recent-changes';
import { REPLICA_LAG_MS, type RecentWrites } from '../writes/recent-writes';
import { CacheEntries } from './cache-entries';
import { dueAt, type CacheEntry } from './cache-entry';
import { toCachedReading, toInspection, toReading } from './cache-views';
import {
  freshMs,
  freshUntil,
  servable,
  servableOnError,
  servableUnasked,
  type EntryState,
  type FreshnessBounds,
} from './freshness';
import { PinnedSecrets } from './pinned-secrets';
import { RefreshBackoff } from './refresh-backoff';
import type { CacheObserver, CachedReading, SecretInspection } from './secret-cache';
import { SharedFreshness } from './shared-freshness';

export interface CachedSecretsOptions {
  readonly bounds: FreshnessBounds;
  readonly maxEntries: number;
  readonly onStateChange?: (state: 'stale' | 'recovered', error?: unknown) => void;
}

/** The secrets in memory: which of them may be served, and when each is refreshed. */
export class CachedSecrets implements FlightObserver {
  readonly #flights: SingleFlightPolicy;
  readonly #clock: AgeClock;
  readonly #recentWrites: RecentWrites;
  readonly #recentChanges: RecentChanges;
  readonly #bounds: FreshnessBounds;
  readonly #entries: CacheEntries;
  readonly #pinned: PinnedSecrets;
  readonly #backoff: RefreshBackoff;
  readonly #observers = new Set<CacheObserver>();
  readonly #shared: SharedFreshness;
  #isClosed = false;

  constructor(
    flights: SingleFlightPolicy,
    recentWrites: RecentWrites,
    recentChanges: RecentChanges,
    { bounds, maxEntries, onStateChange }: CachedSecretsOptions,
  ) {
    this.#flights = flights;
    this.#clock = flights.clock;
    this.#recentWrites = recentWrites;
    this.#recentChanges = recentChanges;
    this.#bounds = bounds;
    this.#pinned = new PinnedSecrets((read) => this.refreshInBackground(read), this.#clock);
    this.#entries = new CacheEntries(maxEntries, this.#pinned, this.#clock);
    this.#backoff = new RefreshBackoff(this.#clock, onStateChange);
    this.#shared = new SharedFreshness({
      entries: this.#entries,
      bounds,
      clock: this.#clock,
      recentChanges,
    });
  }

  /** Returns the value of a name if it may be served without asking the store. */
  peek(secretName: string): string | undefined {
    return this.#entries.freshValue(secretName) ?? this.servable(plainRead(secretName))?.value;
  }

  /** Returns the entry that may be served without asking the store. Refreshes it in the background if it is stale. */
  servable(read: SharedRead, options: CallOptions = {}): CacheEntry | undefined {
    const entry = this.#entries.get(read);
    if (entry === undefined) return undefined;
    const ageMs = this.ageOf(entry);
    const state = servable(this.#bounds, entry, ageMs, options, this.stateOf(read.key, ageMs));
    if (state === undefined) return undefined;
    if (state === 'stale') this.refreshWhenDue(read);
    this.#entries.touch(entry);
    return entry;
  }

  /**
   * Returns the entry for a synchronous read while the store cannot be asked or a read is in flight. Another
   * call could block the event loop while the store hangs.
   */
  servableUnasked(read: SharedRead, options: CallOptions): CacheEntry | undefined {
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
  laggingAnswer(read: SharedRead, reading: SecretReading | undefined): SecretReading | undefined {
    const entry = this.#entries.get(read);
    const isKnown = entry && !this.#recentWrites.mayBeReplaced(read.key, toReading(entry));
    if (isKnown && this.ageOf(entry) < freshMs(this.#bounds, entry)) return toReading(entry);
    const { ttlMs, absenceTtlMs } = this.#bounds;
    const state = this.#recentWrites.lastState(read.key, ({ value }) =>
      value === undefined ? absenceTtlMs : ttlMs,
    );
    return state === undefined ? reading : toReading(state);
  }

  /** Returns the cached reading in place of a failure if the bounds permit it. Otherwise throws the failure. */
  staleOrThrow(read: SharedRead, error: unknown, options: CallOptions): SecretReading | undefined {
    const entry = this.#entries.get(read);
    const isServable =
      entry && servableOnError(this.#bounds, entry, this.ageOf(entry), options, error);
    if (!isServable) throw error;
    return toReading(entry);
  }

  ageOf({ readAt }: CacheEntry): number {
    return this.#clock.now() - readAt;
  }

  /** Returns the error of the last refresh, if it failed. */
  refreshError(key: string): unknown {
    return this.#backoff.errorOf(key);
  }

  isFailing(key: string): boolean {
    return this.#backoff.isFailing(key);
  }

  pin(secretName: string): void {
    const read = sharedRead(secretName, undefined);
    this.#pinned.add(read);
    this.planRefresh(read.key);
  }

  unpin(secretName: string): void {
    const { key } = sharedRead(secretName, undefined);
    this.#pinned.remove(key);
    if (!this.isKept(key)) this.#backoff.forget(key);
  }

  /** Returns the cached reading, even a stale one; `undefined` without one, and after the end of its lease. */
  reading(secretName: string): CachedReading | undefined {
    const entry = this.#entries.get(sharedRead(secretName, undefined));
    return entry && toCachedReading(this.#bounds, entry, this.ageOf(entry));
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
    const cause = source === 'read' ? this.#shared.causeOf(read) : source;
    if (cause === 'read') this.#shared.announceFound(read, reading);
    this.#backoff.recordSuccess(read.key);
    this.store(read, reading, startedAt, cause);
    if (this.#observers.size > 0) this.report(read, reading, cause);
  }

  onFailure(read: SharedRead, error: unknown): void {
    if (!isTransient(error) && !hasCode(error, 'CANCELLED')) this.drop(read.key);
    if (this.isKept(read.key)) {
      this.#backoff.recordFailure(read.key, error, this.#entries.getByKey(read.key) !== undefined);
    }
    this.planRefresh(read.key);
    if (this.#observers.size > 0) this.report(read, asOutcome(error), 'read');
  }

  onDiscard({ key }: SharedRead): void {
    this.planRefresh(key);
  }

  /** Refreshes a secret that is cached or pinned, unless it is too early after a failure. */
  refreshKept(read: SharedRead): void {
    if (this.isKept(read.key)) this.refreshWhenDue(read);
  }

  /**
   * Expires the cached reads of one secret, or all. Returns the keys of the reads in flight that go on: their answers
   * expire again, because the secret has expired less than a second ago.
   */
  expire(secretName: string | undefined, change: ReportedChange): ReadonlySet<string> | undefined {
    const { expiries } = this.#shared;
    const kept = new Set<string>();
    let isOutdated = false;
    for (const read of this.readsOf(secretName)) {
      if (this.isCurrent(read, change)) continue;
      isOutdated = true;
      if (!this.isKept(read.key)) continue;
      if (secretName !== undefined) this.rememberReplaced(read, change);
      const { at, isPostponed } = expiries.instantFor(read.secretName, change);
      const planned = expiries.plan(read, at, change.source);
      if (isPostponed && planned.againAt !== undefined) kept.add(read.key);
      const entry = this.#entries.get(read);
      if (entry) this.#entries.limitFreshness(read, entry, planned.at);
      this.planRefresh(read.key);
    }
    return isOutdated ? kept : undefined;
  }

  /** Drops the cached reads of one secret, or all. Pinned secrets are read again at once. */
  revoke(secretName: string | undefined, change: ReportedChange): void {
    for (const read of this.readsOf(secretName)) {
      if (this.isCurrent(read, change) || !this.isKept(read.key)) continue;
      if (secretName !== undefined) this.rememberReplaced(read, change);
      this.drop(read.key);
      const atOnce = { ...change, spreadMs: 0 };
      this.#pinned.plan(read.key, this.#shared.expiries.instantFor(read.secretName, atOnce).at);
    }
  }

  joinFleet(fleet: FleetTerms): void {
    this.#shared.joinFleet(fleet);
  }

  /** Limits the age at which values expire, while this instance is cut off from its fleet. */
  limitFreshness(isCut: boolean): void {
    this.#shared.limit(isCut);
    if (!isCut) return;
    for (const { key } of this.readsOf()) this.planRefresh(key);
  }

  /** Returns the names that are cached or pinned. */
  heldNames(): string[] {
    return [...this.readsOf().map(({ secretName }) => secretName), ...this.#pinned.names()];
  }

  drop(key: string): void {
    this.#entries.delete(key);
    this.#shared.expiries.delete(key);
    if (this.#pinned.has(key)) this.planRefresh(key);
    else this.#backoff.forget(key);
  }

  /** Returns the cached reads of one secret, including its versions and stages, or of all. */
  readsOf(secretName?: string): SharedRead[] {
    if (secretName !== undefined) return this.#entries.readsOf(secretName);
    return this.#entries.all().map(([read]) => read);
  }

  inspect(): readonly SecretInspection[] {
    const at = Math.trunc(this.#clock.now());
    return this.#entries
      .all()
      .map(([{ key, secretName }, entry]) =>
        toInspection(this.#bounds, secretName, entry, at - entry.readAt, this.isFailing(key)),
      )
      .filter((inspection) => inspection !== undefined);
  }

  /** Clears the memo of fresh values, so that every read looks at the clock again. */
  clearMemo(): void {
    this.#entries.clearMemo();
  }

  close(): void {
    this.#isClosed = true;
    this.#observers.clear();
    this.#recentWrites.clear();
    this.#recentChanges.clear();
    this.#shared.close();
    this.#pinned.close();
    this.#entries.clear();
    this.#backoff.clear();
  }

  private stateOf(key: string, ageMs: number): EntryState {
    return {
      isFailing: this.#backoff.isFailing(key),
      isWaiting: this.#backoff.isWaiting(key),
      isExpired: this.#shared.isExpired(key, ageMs),
    };
  }

  /** Returns whether the cached version is the one that was reported. */
  private isCurrent(read: SharedRead, { isCurrent }: ReportedChange): boolean {
    const version = this.#entries.get(read)?.version;
    return version !== undefined && isCurrent?.(version) === true;
  }

  /** Remembers the cached state that another instance has replaced. */
  private rememberReplaced(read: SharedRead, { source }: ReportedChange): void {
    if (source !== 'fleet') return;
    this.#recentWrites.forget(read.key);
    const entry = this.#entries.get(read);
    if (entry) this.#recentChanges.add(read, { value: entry.value, version: entry.version });
  }

  private report(
    { key, params, secretName }: SharedRead,
    outcome: SecretReading | SecretManagerError | undefined,
    source: SecretChangeSource,
  ): void {
    if (params !== undefined && key !== secretName) return; // empty params are none
    for (const observer of this.#observers) observer.onOutcome(secretName, () => outcome, source);
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
    this.#shared.adopt(read, entry, cause);
    this.#entries.set(read, entry);
    const expiry = this.#shared.expiries.settle(read.key, readAt);
    if (expiry) this.#entries.limitFreshness(read, entry, expiry.at);
    for (const key of this.#entries.surplus()) this.drop(key);
    this.planRefresh(read.key);
  }

  private planRefresh(key: string): void {
    if (!this.#pinned.has(key)) return;
    const entry = this.#entries.getByKey(key);
    const due = dueAt(entry, entry ? freshMs(this.#bounds, entry) : 0, this.#clock.now());
    const expiresAt = this.#shared.expiries.get(key)?.at ?? Infinity;
    this.#pinned.plan(key, Math.max(Math.min(due, expiresAt), this.#backoff.nextAt(key)));
  }
}
