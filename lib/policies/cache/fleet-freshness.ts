import type { SecretReading } from '../../core/contract/custom-secret-manager';
import type { SecretChangeSource } from '../../core/contract/secret-change';
import type { AgeClock } from '../../core/time/clock';
import type { SharedRead } from '../single-flight/flight';
import type { FleetTerms } from '../writes/announcements';
import type { RecentChanges } from '../writes/recent-changes';
import type { CacheEntries } from './cache-entries';
import type { CacheEntry } from './cache-entry';
import { toReading } from './cache-views';
import type { Expiries } from './expiries';
import { freshUntil, type FreshnessBounds } from './freshness';

export interface FleetFreshnessParts {
  readonly entries: CacheEntries;
  readonly expiries: Expiries;
  readonly bounds: FreshnessBounds;
  readonly clock: AgeClock;
  readonly recentChanges: RecentChanges;
}

/**
 * The freshness of cached secrets in a fleet: what a cut limits, how instances spread their reads, and which found
 * changes are announced.
 */
export class FleetFreshness {
  readonly #parts: FleetFreshnessParts;
  #fleet: FleetTerms | undefined;
  /** The age at which every value expires while this instance is cut off from its fleet, in milliseconds. */
  #longestFreshMs = Infinity;

  constructor(parts: FleetFreshnessParts) {
    this.#parts = parts;
  }

  joinFleet(fleet: FleetTerms): void {
    this.#fleet = fleet;
  }

  /** Limits the age at which values expire, while this instance is cut off from its fleet. */
  limit(isCut: boolean): void {
    this.#longestFreshMs = isCut ? (this.#fleet?.disconnectedTtlMs ?? Infinity) : Infinity;
    if (!isCut) return;
    const { entries } = this.#parts;
    for (const [{ key }, entry] of entries.all()) {
      entries.limitFreshness(key, entry, entry.readAt + this.#longestFreshMs);
    }
  }

  isExpired(key: string, ageMs: number): boolean {
    return ageMs >= this.#longestFreshMs || this.#parts.expiries.isExpired(key);
  }

  /** Returns who has caused a read of the store. */
  causeOf(key: string): SecretChangeSource {
    const { entries, expiries, clock, recentChanges } = this.#parts;
    const planned = expiries.get(key);
    if (planned !== undefined) return planned.source;
    const entry = entries.get(key);
    if (entry === undefined) return recentChanges.has(key) ? 'fleet' : 'read';
    const isLimited = clock.now() - entry.readAt >= this.#longestFreshMs;
    const isReplaced = recentChanges.isBefore(key, toReading(entry));
    return isLimited || isReplaced ? 'fleet' : 'read';
  }

  /**
   * Announces what a read has found, if it differs from the cached value. Leases belong to one instance. After a call
   * of `announce` only a version is news: without one, every instance would read again.
   */
  announceFound({ key, secretName, params }: SharedRead, reading: SecretReading | undefined): void {
    if (this.#fleet === undefined) return;
    const { entries, expiries } = this.#parts;
    const entry = entries.get(key);
    if (entry === undefined || entry.value === reading?.value) return;
    if (entry.leaseMs !== undefined || reading?.validForMs !== undefined) return;
    const version = params === undefined ? reading?.version : undefined;
    if (version === undefined && expiries.get(key) !== undefined) return;
    this.#fleet.announcer.announce({ kind: 'changed', secretName, version });
  }

  /**
   * Limits the freshness of a new entry. The first refresh comes after a random part of the time to live, so that one
   * of many instances soon finds a change. An answer that may be outdated is read again soon.
   *
   * @param cause who has caused the read; after one that the fleet has caused, all instances have read at one moment
   */
  adopt({ key, secretName }: SharedRead, entry: CacheEntry, cause: SecretChangeSource): void {
    if (this.#fleet === undefined) return;
    const { announcer, disconnectedTtlMs } = this.#fleet;
    const { entries, bounds, recentChanges } = this.#parts;
    const { readAt, validForMs } = entry;
    const reading = toReading(entry);
    const isFirst = entries.get(key) === undefined;
    if (isFirst) announcer.remember(secretName);
    if (isFirst || cause === 'fleet')
      entry.freshUntil = freshUntil(bounds, reading, readAt, validForMs, 1);
    const mayLag = recentChanges.isBefore(key, reading);
    const longestMs = Math.min(mayLag ? disconnectedTtlMs : Infinity, this.#longestFreshMs);
    entries.limitFreshness(key, entry, readAt + longestMs);
  }

  close(): void {
    this.#fleet = undefined;
  }
}
