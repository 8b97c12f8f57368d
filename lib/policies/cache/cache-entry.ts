/** One cached reading: the time of the question, and the granted lease. All other times follow from these. */
export interface CacheEntry {
  /** The value, or `undefined` if the store has no such secret. */
  readonly value: string | undefined;
  readonly version: string | undefined;
  readonly readAt: number;
  /**
   * The time until which the value is served without a check. 0 for a lease, which needs an exact clock. A reported
   * change brings it forward.
   */
  freshUntil: number;
  /** The lease of the store, in milliseconds, if there is one. */
  readonly leaseMs: number | undefined;
  /** The time for which the entry may be served, in milliseconds: the lease, or less for a replica that may lag. */
  readonly validForMs: number | undefined;
  /** The number of the last use. It exceeds that of every entry that was stored before that use. */
  used: number;
}

const EVICTED_SHARE = 16;
const LEASE_RENEWED_AT = 2 / 3;
const SHORTEST_LEASE_REFRESH_MS = 100;
const SHORTEST_REFRESH_MS = 1_000;

/**
 * Returns the time of the next refresh of a pinned secret: the end of `freshForMs`. A lease is refreshed well
 * before its end, because an expired lease is never served.
 */
export function dueAt(entry: CacheEntry | undefined, freshForMs: number, now: number): number {
  if (entry === undefined) return now + SHORTEST_REFRESH_MS;
  const { readAt, validForMs = Infinity } = entry;
  const renewalMs = Math.max(validForMs * LEASE_RENEWED_AT, SHORTEST_LEASE_REFRESH_MS);
  return readAt + Math.min(Math.max(freshForMs, SHORTEST_REFRESH_MS), renewalMs);
}

/**
 * Returns the keys to evict from a full cache. One scan evicts a sixteenth of the entries, so that its cost is
 * shared. An exact order would cost a delete and a set per hit, more than the hit.
 */
export function leastRecentlyUsed(
  entries: readonly (readonly [read: { readonly key: string }, entry: CacheEntry])[],
  pinned: { has(key: string): boolean },
): string[] {
  return entries
    .filter(([{ key }]) => !pinned.has(key))
    .sort(([, a], [, b]) => a.used - b.used)
    .slice(0, Math.max(1, Math.floor(entries.length / EVICTED_SHARE)))
    .map(([{ key }]) => key);
}
