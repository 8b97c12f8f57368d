import { BackgroundTimer } from '../../core/time/background-timer';
import type { AgeClock } from '../../core/time/clock';
import { plainRead, sharedRead, type SharedRead } from '../single-flight/flight';
import { leastRecentlyUsed, type CacheEntry } from './cache-entry';

const MEMO_MS = 50;
/** The largest number of cached absences, against a flood of made-up names. */
const MAX_ABSENCES = 1_000;

/**
 * The entries of a cache, within its bound, and a memo of the fresh values.
 *
 * The memo serves a value for up to 50 ms without a look at the clock. A blocked event loop delays the timer
 * that clears the memo. A value may be served past its time by 50 ms, plus the time of such a block.
 */
export class CacheEntries {
  readonly #maxEntries: number;
  readonly #pinned: { has(key: string): boolean };
  /** The values by name. Only a read without params may find them. */
  readonly #plain = new Map<string, CacheEntry>();
  /** The values by name and params. */
  readonly #variants = new Map<string, ReadEntry>();
  /** The absent secrets, the oldest first. An absence never evicts a value. */
  readonly #absences = new Map<string, ReadEntry>();
  /** The cached reads with params by name, and by key. */
  readonly #readsWithParams = new Map<string, Map<string, SharedRead>>();
  readonly #clock: AgeClock;
  /** The values that were fresh within the last 50 ms. Reading the clock costs more than the rest of a hit. */
  readonly #memo = new Map<string, string>();
  readonly #memoTimer = new BackgroundTimer();
  /** Counts the stores in steps of two, so that a use in between has a number of its own. */
  #stores = 0;

  constructor(maxEntries: number, pinned: { has(key: string): boolean }, clock: AgeClock) {
    this.#maxEntries = maxEntries;
    this.#pinned = pinned;
    this.#clock = clock;
  }

  /** Returns the value of a name if it is fresh, or was within the last 50 ms. */
  freshValue(secretName: string): string | undefined {
    return this.#memo.get(secretName) ?? this.memoize(secretName);
  }

  /** Returns the entry of a read, whose name may be unchecked: one in the form of a key with params finds none. */
  find({ key, secretName }: SharedRead): CacheEntry | undefined {
    const value = key === secretName ? this.#plain.get(key) : this.#variants.get(key)?.entry;
    return value ?? this.#absences.get(key)?.entry;
  }

  get(key: string): CacheEntry | undefined {
    return this.#plain.get(key) ?? (this.#variants.get(key) ?? this.#absences.get(key))?.entry;
  }

  /** Stores the entry in place of the one before. */
  set(read: SharedRead, entry: CacheEntry): void {
    const { key, secretName } = read;
    this.delete(key);
    entry.used = this.#stores += 2;
    if (read.params !== undefined && key !== secretName) this.addWithParams(read);
    if (entry.value === undefined) this.#absences.set(key, { read, entry });
    else if (key === secretName) this.#plain.set(key, entry);
    else this.#variants.set(key, { read, entry });
  }

  /** Returns the keys to evict so that the cache is within its bounds. */
  surplus(): string[] {
    if (this.#absences.size > Math.min(this.#maxEntries, MAX_ABSENCES)) return this.oldestAbsence();
    if (this.#plain.size + this.#variants.size <= this.#maxEntries) return [];
    this.clearMemo();
    return leastRecentlyUsed(this.values(), this.#pinned);
  }

  delete(key: string): void {
    const read = (this.#variants.get(key) ?? this.#absences.get(key))?.read;
    if (read?.params !== undefined) this.deleteWithParams(read);
    for (const entries of [this.#plain, this.#variants, this.#absences, this.#memo]) {
      entries.delete(key);
    }
  }

  /** Makes an entry leave the memo of fresh values at the given time, at the latest. */
  limitFreshness(key: string, entry: CacheEntry, until: number): void {
    if (until >= entry.freshUntil) return;
    entry.freshUntil = Math.trunc(until);
    if (this.#clock.now() >= entry.freshUntil) this.#memo.delete(key);
  }

  touch(entry: CacheEntry): void {
    entry.used = this.#stores + 1;
  }

  /** Clears the memo, so that every read looks at the clock again. Marks its values as used until now. */
  clearMemo(): void {
    for (const secretName of this.#memo.keys()) {
      const entry = this.#plain.get(secretName);
      if (entry) this.touch(entry);
    }
    this.#memo.clear();
    this.#memoTimer.stop();
  }

  all(): (readonly [read: SharedRead, entry: CacheEntry])[] {
    const absences = Array.from(this.#absences.values(), toPair);
    return [...this.values(), ...absences];
  }

  /** Returns the read of the name, and all cached reads of the name with params; without a name, all cached reads. */
  readsOf(secretName?: string): SharedRead[] {
    if (secretName === undefined) return this.all().map(([read]) => read);
    const withParams = this.#readsWithParams.get(secretName)?.values() ?? [];
    return [sharedRead(secretName, undefined), ...withParams];
  }

  clear(): void {
    this.#memoTimer.stop();
    for (const entries of [this.#plain, this.#variants, this.#absences, this.#memo])
      entries.clear();
    this.#readsWithParams.clear();
  }

  private addWithParams(read: SharedRead): void {
    const reads = this.#readsWithParams.get(read.secretName) ?? new Map<string, SharedRead>();
    this.#readsWithParams.set(read.secretName, reads.set(read.key, read));
  }

  private deleteWithParams({ secretName, key }: SharedRead): void {
    const reads = this.#readsWithParams.get(secretName);
    reads?.delete(key);
    if (reads?.size === 0) this.#readsWithParams.delete(secretName);
  }

  private values(): (readonly [read: SharedRead, entry: CacheEntry])[] {
    return [
      ...Array.from(this.#plain, ([name, entry]) => [plainRead(name), entry] as const),
      ...Array.from(this.#variants.values(), toPair),
    ];
  }

  private oldestAbsence(): string[] {
    for (const key of this.#absences.keys()) if (!this.#pinned.has(key)) return [key];
    return [];
  }

  private memoize(secretName: string): string | undefined {
    const entry = this.#plain.get(secretName);
    if (entry?.value === undefined || this.#clock.now() >= entry.freshUntil) return undefined;
    if (this.#memo.size === 0) this.#memoTimer.set(() => this.clearMemo(), MEMO_MS);
    this.#memo.set(secretName, entry.value);
    this.touch(entry);
    return entry.value;
  }
}

interface ReadEntry {
  readonly read: SharedRead;
  readonly entry: CacheEntry;
}

function toPair({ read, entry }: ReadEntry): readonly [read: SharedRead, entry: CacheEntry] {
  return [read, entry];
}
