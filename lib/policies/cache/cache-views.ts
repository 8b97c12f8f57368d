import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { LATEST_DATE_MS } from '../../core/time/durations';
import type { SecretState } from '../writes/recent-writes';
import type { CacheEntry } from './cache-entry';
import { isLeaseOver, stateOf, type FreshnessBounds } from './freshness';
import type { CachedReading, SecretInspection } from './secret-cache';

/** Returns an entry without its value, or `undefined` if the entry is no longer served. */
export function toInspection(
  bounds: FreshnessBounds,
  name: string,
  entry: CacheEntry,
  ageMs: number,
  isFailing: boolean,
): SecretInspection | undefined {
  const { value, version } = entry;
  const state = stateOf(bounds, entry, ageMs, isFailing);
  if (state === undefined) return undefined;
  const hasVersion = value !== undefined && version !== undefined;
  return { name, state, ageMs, ...(hasVersion && { version }) };
}

/** Returns the reading of an entry, or `undefined` after the end of its lease. */
export function toCachedReading(
  bounds: FreshnessBounds,
  entry: CacheEntry,
  ageMs: number,
): CachedReading | undefined {
  if (isLeaseOver(entry, ageMs)) return undefined;
  const { value, version, leaseMs = Infinity } = entry;
  const endsAt = Date.now() + leaseMs - ageMs;
  const expiresAt = endsAt > LATEST_DATE_MS ? undefined : new Date(endsAt);
  const isServed = stateOf(bounds, entry, ageMs, false) !== undefined;
  return { value, version, expiresAt, ageMs, isServed };
}

export function toReading({ value, version }: SecretState): SecretReading | undefined {
  return value === undefined ? undefined : { value, version };
}
