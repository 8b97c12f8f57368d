import type { SharedRead } from '../single-flight/flight';
import type { ReportedChange } from '../writes/announcements';
import type { RecentChanges } from '../writes/recent-changes';
import type { RecentWrites } from '../writes/recent-writes';
import type { CacheEntries } from './cache-entries';
import type { Expiries } from './expiries';
import type { Refreshes } from './refresh/refreshes';

export interface ReportedChangesParts {
  readonly entries: CacheEntries;
  readonly expiries: Expiries;
  readonly refreshes: Refreshes;
  readonly recentWrites: RecentWrites;
  readonly recentChanges: RecentChanges;
  /** Drops the entry of a key. */
  readonly drop: (key: string) => void;
}

/** The changes that others have made to the store, and have reported: by the fleet, a webhook, a push. */
export class ReportedChanges {
  readonly #parts: ReportedChangesParts;

  constructor(parts: ReportedChangesParts) {
    this.#parts = parts;
  }

  /**
   * Expires the cached reads of one secret, or all. Returns the keys of the reads in flight that go on: their answers
   * expire again, because the secret has expired less than a second ago.
   */
  expire(secretName: string | undefined, change: ReportedChange): ReadonlySet<string> | undefined {
    const { entries, expiries, refreshes } = this.#parts;
    const kept = new Set<string>();
    let isOutdated = secretName === undefined; // also the first read of a name that is not cached
    for (const read of entries.readsOf(secretName)) {
      if (this.isCurrent(read, change)) continue;
      isOutdated = true;
      if (!refreshes.isKept(read.key)) continue;
      if (secretName !== undefined) this.rememberReplaced(read, change);
      const { at, isPostponed } = expiries.instantFor(read.secretName, change);
      const planned = expiries.plan(read, at, change.source);
      if (isPostponed && planned.againAt !== undefined) kept.add(read.key);
      const entry = entries.get(read.key);
      if (entry) entries.limitFreshness(read.key, entry, planned.at);
      refreshes.plan(read.key);
    }
    return isOutdated ? kept : undefined;
  }

  /** Drops the cached reads of one secret, or all. Pinned secrets are read again at once. */
  revoke(secretName: string | undefined, change: ReportedChange): void {
    const { entries, expiries, refreshes, drop } = this.#parts;
    for (const read of entries.readsOf(secretName)) {
      if (this.isCurrent(read, change) || !refreshes.isKept(read.key)) continue;
      if (secretName !== undefined) this.rememberReplaced(read, change);
      drop(read.key);
      const atOnce = { ...change, spreadMs: 0 };
      refreshes.planAt(read.key, expiries.instantFor(read.secretName, atOnce).at);
    }
  }

  /** Returns whether the cached version is the one that was reported. */
  private isCurrent({ key }: SharedRead, { isCurrent }: ReportedChange): boolean {
    const version = this.#parts.entries.get(key)?.version;
    return version !== undefined && isCurrent?.(version) === true;
  }

  /** Remembers the cached state that another instance has replaced. */
  private rememberReplaced(read: SharedRead, { source }: ReportedChange): void {
    if (source !== 'fleet') return;
    const { entries, recentWrites, recentChanges } = this.#parts;
    recentWrites.forget(read.key);
    const entry = entries.get(read.key);
    if (entry) recentChanges.add(read, { value: entry.value, version: entry.version });
  }
}
