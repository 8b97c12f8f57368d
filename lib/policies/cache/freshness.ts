import type { CallOptions } from '../../core/calls/cancellation';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { hasCode, isTransient } from '../../core/errors/secret-manager.error';
import type { CacheEntry } from './cache-entry';
import type { SecretInspection } from './secret-cache';

/** The bounds of a cache, in milliseconds. The names are those of RFC 5861. */
export interface FreshnessBounds {
  readonly ttlMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  readonly absenceTtlMs: number;
}

/** The state of a cached secret, apart from its age. */
export interface EntryState {
  /** `true` if the last refresh failed. */
  readonly isFailing: boolean;
  /** `true` if it is too early for the next refresh. */
  readonly isWaiting: boolean;
  /** `true` if a change was reported, so that the value is served only if the store cannot be asked. */
  readonly isExpired: boolean;
}

const JITTER = 0.1;

/**
 * Returns the time until which a reading is served without a check. Returns 0 for a lease, which needs an exact
 * clock.
 *
 * @param jitter the largest random part of the time to live that is subtracted
 */
export function freshUntil(
  { ttlMs, absenceTtlMs }: FreshnessBounds,
  reading: SecretReading | undefined,
  readAt: number,
  validForMs: number | undefined,
  jitter = JITTER,
): number {
  if (validForMs !== undefined) return 0;
  if (reading === undefined) return Math.trunc(readAt + absenceTtlMs);
  return Math.trunc(readAt + ttlMs * (1 - jitter * Math.random()));
}

/** Returns the time for which an entry is fresh after its reading, in milliseconds. */
export function freshMs({ ttlMs, absenceTtlMs }: FreshnessBounds, entry: CacheEntry): number {
  const { value, readAt, freshUntil: until, validForMs } = entry;
  if (validForMs === undefined) return until - readAt;
  return Math.min(value === undefined ? absenceTtlMs : ttlMs, validForMs);
}

/**
 * Returns the state in which an entry is served without asking the store: `fresh`, or `stale` with a background
 * refresh. Past `staleWhileRevalidateMs`, and after a reported change, an entry is served only while failed
 * refreshes are spaced.
 */
export function servable(
  bounds: FreshnessBounds,
  entry: CacheEntry,
  ageMs: number,
  options: CallOptions,
  { isFailing, isWaiting, isExpired }: EntryState,
): 'fresh' | 'stale' | undefined {
  const { maxAgeMs = Infinity, staleIfErrorMs = Infinity } = options;
  if (ageMs >= maxAgeMs || isLeaseOver(entry, ageMs)) return undefined;
  const staleForMs = ageMs - freshMs(bounds, entry);
  if (staleForMs < 0 && !isExpired) return 'fresh';
  if (entry.value === undefined || ageMs >= staleIfErrorMs) return undefined;
  const lasts = ageMs < lastsMs(bounds, entry, errorBoundOf(options));
  if (isFailing && !lasts) return undefined;
  const isSpaced = lasts && isWaiting;
  const isRevalidated = !isExpired && staleForMs < bounds.staleWhileRevalidateMs;
  return isSpaced || isRevalidated ? 'stale' : undefined;
}

/**
 * Returns whether a value is young enough for a synchronous read. The store cannot be asked then, or a read is
 * in flight.
 */
export function servableUnasked(
  bounds: FreshnessBounds,
  entry: CacheEntry,
  ageMs: number,
  { maxAgeMs, staleIfErrorMs }: CallOptions,
): boolean {
  if (entry.value === undefined || maxAgeMs !== undefined) return false;
  return ageMs < lastsMs(bounds, entry, staleIfErrorMs);
}

/**
 * Returns whether an entry may be served in place of a failure. The store could not be asked, and the value is
 * young enough. A caller with `maxAgeMs` gets the failure, unless the caller also gives `staleIfErrorMs`.
 *
 * A missing synchronous read is no failure of the store, so an absence may be served, too.
 */
export function servableOnError(
  bounds: FreshnessBounds,
  entry: CacheEntry,
  ageMs: number,
  options: CallOptions,
  error: unknown,
): boolean {
  if (hasCode(error, 'UNSUPPORTED')) {
    const { maxAgeMs = Infinity, staleIfErrorMs = Infinity } = options;
    const staleMs = ageMs < freshMs(bounds, entry) ? Infinity : staleIfErrorMs;
    return ageMs < Math.min(maxAgeMs, staleMs, lastsMs(bounds, entry));
  }
  const isYoungEnough = ageMs < lastsMs(bounds, entry, errorBoundOf(options));
  return isYoungEnough && isTransient(error) && entry.value !== undefined;
}

/** Returns the state of an entry for applications, or `undefined` if the entry is no longer served. */
export function stateOf(
  bounds: FreshnessBounds,
  entry: CacheEntry,
  ageMs: number,
  isFailing: boolean,
): SecretInspection['state'] | undefined {
  const forMs = freshMs(bounds, entry);
  const isFresh = ageMs < forMs;
  if (entry.value === undefined) return isFresh ? 'absent' : undefined;
  const servedMs = Math.max(forMs + bounds.staleWhileRevalidateMs, lastsMs(bounds, entry));
  if (isLeaseOver(entry, ageMs) || ageMs >= servedMs) return undefined;
  return isFresh && !isFailing ? 'fresh' : 'stale';
}

/** Returns whether the lease of an entry has ended. */
export function isLeaseOver({ validForMs = Infinity }: CacheEntry, ageMs: number): boolean {
  return ageMs >= validForMs;
}

/** @param boundMs the age at which an entry ends if the store cannot be asked; a lease may end earlier */
function lastsMs(
  { ttlMs, staleIfErrorMs }: FreshnessBounds,
  { validForMs = Infinity }: CacheEntry,
  boundMs: number = ttlMs + staleIfErrorMs,
): number {
  return Math.min(boundMs, validForMs);
}

/** Returns the age that a caller accepts if the store cannot be asked; `undefined` means the bound of the cache. */
function errorBoundOf({ maxAgeMs, staleIfErrorMs }: CallOptions): number | undefined {
  return staleIfErrorMs ?? (maxAgeMs === undefined ? undefined : 0);
}
