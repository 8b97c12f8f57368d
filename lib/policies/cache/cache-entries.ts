import { startTimer, type AgeClock } from '../../core/time/clock';
import { plainRead, sharedRead, type SharedRead } from '../single-flight/flight';
import { leastRecentlyUsed, type CacheEntry } from './cache-entry';

const HOT_FOR_MS = 50;
/** A flood of made-up names holds no more than this. */
const MAX_ABSENCES = 1_000;

/**
 * What a cache keeps, within its bound, and what of it answers at once: for up to 50 ms without a look at the clock, and,
 * where the event loop stands still, until the timer that ends it gets its turn. A value may thus be served past its time by
 * 50 ms and by as long as the thread was blocked.
 */
export class CacheEntries {
  readonly #maxEntries: number;
  readonly #pinned: { has(key: string): boolean };
  /** By name. What answers a name at once must not be found by anything else that somebody writes in its place. */
  readonly #plain = new Map<string, CacheEntry>();
  /** By name and params. */
  readonly #variants = new Map<string, KeptEntry>();
  /** What the store does not have, the oldest first. It never pushes out a value. */
  readonly #absences = new Map<string, KeptEntry>();
  readonly #clock: AgeClock;
  /** Values found fresh within the last 50 ms: looking at the clock costs more than all the rest of a hit. */
  readonly #hot = new Map<string, string>();
  #stopCooling = (): void => undefined;
  /** Counts by twos what was stored, so that a use in between has a number of its own. */
  #stores = 0;

  constructor(maxEntries: number, pinned: { has(key: string): boolean }, clock: AgeClock) {
    this.#maxEntries = maxEntries;
    this.#pinned = pinned;
    this.#clock = clock;
  }

  /** The value of a name, if it is fresh, or was a moment ago. */
  freshValue(secretName: string): string | undefined {
    return this.#hot.get(secretName) ?? this.heat(secretName);
  }

  get({ key, secretName }: SharedRead): CacheEntry | undefined {
    const value = key === secretName ? this.#plain.get(key) : this.#variants.get(key)?.entry;
    return value ?? this.#absences.get(key)?.entry;
  }

  ofKey(key: string): CacheEntry | undefined {
    return this.#plain.get(key) ?? (this.#variants.get(key) ?? this.#absences.get(key))?.entry;
  }

  /** Keeps the entry in place of the one before. */
  set(read: SharedRead, entry: CacheEntry): void {
    const { key, secretName } = read;
    this.delete(key);
    entry.used = this.#stores += 2;
    if (entry.value === undefined) this.#absences.set(key, { read, entry });
    else if (key === secretName) this.#plain.set(key, entry);
    else this.#variants.set(key, { read, entry });
  }

  /** What has to go for the cache to be within its bounds. */
  surplus(): string[] {
    if (this.#absences.size > Math.min(this.#maxEntries, MAX_ABSENCES)) return this.oldestAbsence();
    if (this.#plain.size + this.#variants.size <= this.#maxEntries) return [];
    this.cool();
    return leastRecentlyUsed(this.values(), this.#pinned);
  }

  delete(key: string): void {
    for (const entries of [this.#plain, this.#variants, this.#absences, this.#hot]) {
      entries.delete(key);
    }
  }

  touch(entry: CacheEntry): void {
    entry.used = this.#stores + 1;
  }

  /** Has everything be looked at again. What was hot has been used until now. */
  cool(): void {
    for (const secretName of this.#hot.keys()) {
      const entry = this.#plain.get(secretName);
      if (entry) this.touch(entry);
    }
    this.#hot.clear();
    this.#stopCooling();
  }

  all(): (readonly [read: SharedRead, entry: CacheEntry])[] {
    const absences = Array.from(this.#absences.values(), toPair);
    return [...this.values(), ...absences];
  }

  /** The name itself, and all that is kept of it with params. */
  readsOf(secretName: string): SharedRead[] {
    const withParams = [...this.#variants.values(), ...this.#absences.values()]
      .map(({ read }) => read)
      .filter((read) => read.secretName === secretName && read.params !== undefined);
    return [sharedRead(secretName, undefined), ...withParams];
  }

  clear(): void {
    this.#stopCooling();
    for (const entries of [this.#plain, this.#variants, this.#absences, this.#hot]) entries.clear();
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

  private heat(secretName: string): string | undefined {
    const entry = this.#plain.get(secretName);
    if (entry?.value === undefined || this.#clock.now() >= entry.freshUntil) return undefined;
    if (this.#hot.size === 0) this.coolSoon();
    this.#hot.set(secretName, entry.value);
    this.touch(entry);
    return entry.value;
  }

  private coolSoon(): void {
    this.#stopCooling();
    this.#stopCooling = startTimer(() => this.cool(), HOT_FOR_MS, { keepsAlive: false });
  }
}

interface KeptEntry {
  readonly read: SharedRead;
  readonly entry: CacheEntry;
}

function toPair({ read, entry }: KeptEntry): readonly [read: SharedRead, entry: CacheEntry] {
  return [read, entry];
}
