/** What is kept of one reading: when it was asked for and what was granted; all other instants follow from these. */
export interface CacheEntry {
  /** `undefined`: the store has no such secret. */
  readonly value: string | undefined;
  readonly version: string | undefined;
  readonly readAt: number;
  /** Until when it may be served at once. 0 for a lease, which is looked at with an exact clock. */
  readonly freshUntil: number;
  /** The lease, if there is one. */
  readonly validForMs: number | undefined;
  /** Greater than that of every entry that was stored before the last use of this one. */
  used: number;
}

const EVICTED_SHARE = 16;
const LEASE_RENEWED_AT = 2 / 3;
const SHORTEST_LEASE_REFRESH_MS = 100;
const SHORTEST_REFRESH_MS = 1_000;

/** When a pinned secret is to be read again: a lease well before it ends, because it is not served a moment longer. */
export function dueAt(entry: CacheEntry | undefined, now: number): number {
  if (entry === undefined) return now + SHORTEST_REFRESH_MS;
  const { readAt, freshUntil, validForMs } = entry;
  if (validForMs === undefined) return Math.max(freshUntil, readAt + SHORTEST_REFRESH_MS);
  return readAt + Math.max(validForMs * LEASE_RENEWED_AT, SHORTEST_LEASE_REFRESH_MS);
}

/**
 * The keys to evict from a cache that is full: a sixteenth of it at a time, so that the scan is paid once for many. Exact
 * order per hit (delete and set) would cost more than the hit.
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
