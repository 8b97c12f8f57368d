import type { CallOptions } from '../../core/calls/cancellation';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import type { AgeClock } from '../../core/time/clock';
import { secretKey } from '../../core/validation/params';
import { plainRead, type SharedRead } from '../single-flight/flight';
import type { SingleFlightPolicy } from '../single-flight/single-flight.policy';
import type { RecentWrites } from '../writes/recent-writes';
import type { CacheEntries } from './cache-entries';
import type { CacheEntry } from './cache-entry';
import { toCachedReading, toInspection, toReading } from './cache-views';
import {
  freshMs,
  servable,
  servableOnError,
  servableUnasked,
  type EntryState,
  type FreshnessBounds,
} from './freshness';
import type { Refreshes } from './refresh/refreshes';
import type { CachedReading, SecretInspection } from './secret-cache';
import type { FleetFreshness } from './fleet-freshness';

export interface CacheHitsParts {
  readonly flights: SingleFlightPolicy;
  readonly entries: CacheEntries;
  readonly refreshes: Refreshes;
  readonly fleet: FleetFreshness;
  readonly recentWrites: RecentWrites;
  readonly bounds: FreshnessBounds;
}

/** The cached secrets that may be served: at once, in place of a call, or in place of a failure. */
export class CacheHits {
  readonly #flights: SingleFlightPolicy;
  readonly #clock: AgeClock;
  readonly #entries: CacheEntries;
  readonly #refreshes: Refreshes;
  readonly #fleet: FleetFreshness;
  readonly #recentWrites: RecentWrites;
  readonly #bounds: FreshnessBounds;

  constructor(options: CacheHitsParts) {
    this.#flights = options.flights;
    this.#clock = options.flights.clock;
    this.#entries = options.entries;
    this.#refreshes = options.refreshes;
    this.#fleet = options.fleet;
    this.#recentWrites = options.recentWrites;
    this.#bounds = options.bounds;
  }

  /** Returns the value of a name if it may be served without asking the store. */
  peek(secretName: string): string | undefined {
    return this.#entries.freshValue(secretName) ?? this.servable(plainRead(secretName))?.value;
  }

  /** Returns the entry that may be served without asking the store. Refreshes it in the background if it is stale. */
  servable(read: SharedRead, options: CallOptions = {}): CacheEntry | undefined {
    const entry = this.#entries.find(read);
    if (entry === undefined) return undefined;
    const ageMs = this.ageOf(entry);
    const state = servable(this.#bounds, entry, ageMs, options, this.stateOf(read.key, ageMs));
    if (state === undefined) return undefined;
    if (state === 'stale') this.#refreshes.refreshWhenDue(read);
    this.#entries.touch(entry);
    return entry;
  }

  /**
   * Returns the entry for a synchronous read while the store cannot be asked or a read is in flight. Another
   * call could block the event loop while the store hangs.
   */
  servableUnasked(read: SharedRead, options: CallOptions): CacheEntry | undefined {
    const { key } = read;
    if (!this.#refreshes.isFailing(key) && !this.#flights.isInFlight(key)) return undefined;
    const entry = this.#entries.get(key);
    const isServable = entry && servableUnasked(this.#bounds, entry, this.ageOf(entry), options);
    if (!isServable) return undefined;
    this.#refreshes.refreshWhenDue(read);
    this.#entries.touch(entry);
    return entry;
  }

  /**
   * Returns the answer of a synchronous read that may be outdated, because a synchronous read cannot wait for a
   * replica. A fresh cached value, or the state after a recent write, wins. Otherwise the answer itself is
   * returned, and not cached.
   */
  laggingAnswer(read: SharedRead, reading: SecretReading | undefined): SecretReading | undefined {
    const entry = this.#entries.get(read.key);
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
    const entry = this.#entries.get(read.key);
    const isServable =
      entry && servableOnError(this.#bounds, entry, this.ageOf(entry), options, error);
    if (!isServable) throw error;
    return toReading(entry);
  }

  ageOf({ readAt }: CacheEntry): number {
    return this.#clock.now() - readAt;
  }

  /** Returns the cached reading, even a stale one; `undefined` without one, and after the end of its lease. */
  reading(secretName: string): CachedReading | undefined {
    const entry = this.#entries.get(secretKey(secretName, undefined));
    return entry && toCachedReading(this.#bounds, entry, this.ageOf(entry));
  }

  inspect(): readonly SecretInspection[] {
    const at = Math.trunc(this.#clock.now());
    return this.#entries
      .all()
      .map(([{ key, secretName }, entry]) =>
        toInspection(
          this.#bounds,
          secretName,
          entry,
          at - entry.readAt,
          this.#refreshes.isFailing(key),
        ),
      )
      .filter((inspection) => inspection !== undefined);
  }

  private stateOf(key: string, ageMs: number): EntryState {
    return {
      isFailing: this.#refreshes.isFailing(key),
      isWaiting: this.#refreshes.isWaiting(key),
      isExpired: this.#fleet.isExpired(key, ageMs),
    };
  }
}
