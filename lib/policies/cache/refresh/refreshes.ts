import type { AgeClock } from '../../../core/time/clock';
import { secretKey } from '../../../core/validation/params';
import { sharedRead, type SharedRead } from '../../single-flight/flight';
import type { SingleFlightPolicy } from '../../single-flight/single-flight.policy';
import type { CacheEntries } from '../cache-entries';
import { dueAt } from '../cache-entry';
import type { Expiries } from '../expiries';
import { freshMs, type FreshnessBounds } from '../freshness';
import type { PinnedSecrets } from './pinned-secrets';
import { RefreshBackoff } from './refresh-backoff';

export interface RefreshesOptions {
  readonly flights: SingleFlightPolicy;
  readonly entries: CacheEntries;
  readonly pinned: PinnedSecrets;
  readonly expiries: Expiries;
  readonly bounds: FreshnessBounds;
  readonly onStateChange?: (state: 'stale' | 'recovered', error?: unknown) => void;
}

/** The refreshes of the cache: when each secret is read again in the background, and which of them fail. */
export class Refreshes {
  readonly #flights: SingleFlightPolicy;
  readonly #clock: AgeClock;
  readonly #entries: CacheEntries;
  readonly #pinned: PinnedSecrets;
  readonly #expiries: Expiries;
  readonly #bounds: FreshnessBounds;
  readonly #backoff: RefreshBackoff;

  constructor({ flights, entries, pinned, expiries, bounds, onStateChange }: RefreshesOptions) {
    this.#flights = flights;
    this.#clock = flights.clock;
    this.#entries = entries;
    this.#pinned = pinned;
    this.#expiries = expiries;
    this.#bounds = bounds;
    this.#backoff = new RefreshBackoff(flights.clock, onStateChange);
  }

  /** Keeps a secret fresh without traffic, until as many calls of `unpin`. */
  pin(secretName: string): void {
    const read = sharedRead(secretName, undefined);
    this.#pinned.add(read);
    this.plan(read.key);
  }

  unpin(secretName: string): void {
    const key = secretKey(secretName, undefined);
    this.#pinned.remove(key);
    if (!this.isKept(key)) this.#backoff.forget(key);
  }

  /** Returns whether a secret is cached or pinned. */
  isKept(key: string): boolean {
    return this.#entries.get(key) !== undefined || this.#pinned.has(key);
  }

  isFailing(key: string): boolean {
    return this.#backoff.isFailing(key);
  }

  /** Returns whether it is too early for the next refresh after a failure. */
  isWaiting(key: string): boolean {
    return this.#backoff.isWaiting(key);
  }

  /** Returns the error of the last refresh, if it failed. */
  errorOf(key: string): unknown {
    return this.#backoff.errorOf(key);
  }

  /** Refreshes a secret in the background, unless it is too early after a failure. */
  refreshWhenDue(read: SharedRead): void {
    if (this.isWaiting(read.key)) return;
    this.#flights.refreshInBackground(read.secretName, read.params);
  }

  /** Refreshes a secret that is cached or pinned, unless it is too early after a failure. */
  refreshKept(read: SharedRead): void {
    if (this.isKept(read.key)) this.refreshWhenDue(read);
  }

  recordSuccess(key: string): void {
    this.#backoff.recordSuccess(key);
  }

  /** Spaces the refreshes of a secret that is cached or pinned, and plans the next one. */
  recordFailure(key: string, error: unknown): void {
    const isCached = this.#entries.get(key) !== undefined;
    if (this.isKept(key)) this.#backoff.recordFailure(key, error, isCached);
    this.plan(key);
  }

  /** Plans the next refresh of a secret, if it is pinned. */
  plan(key: string): void {
    if (!this.#pinned.has(key)) return;
    const entry = this.#entries.get(key);
    const due = dueAt(entry, entry ? freshMs(this.#bounds, entry) : 0, this.#clock.now());
    const expiresAt = this.#expiries.get(key)?.at ?? Infinity;
    this.planAt(key, Math.max(Math.min(due, expiresAt), this.#backoff.nextAt(key)));
  }

  /** Refreshes a secret at the given instant, if it is pinned. */
  planAt(key: string, at: number): void {
    this.#pinned.plan(key, at);
  }

  /** Follows the drop of an entry: a pinned secret is read again, and another one is forgotten. */
  onDrop(key: string): void {
    if (this.#pinned.has(key)) this.plan(key);
    else this.#backoff.forget(key);
  }

  close(): void {
    this.#pinned.close();
    this.#backoff.clear();
  }
}
