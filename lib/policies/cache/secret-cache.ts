import type { SecretChangeSource } from '../../core/contract/secret-change';
import type { ReadOutcome } from '../policy';

/** The state of a cached secret, never its value. */
export interface SecretInspection {
  readonly name: string;
  /**
   * The state: `stale` is past its time to live, or its last refresh failed. `absent` means that the store has
   * no such secret.
   */
  readonly state: 'fresh' | 'stale' | 'absent';
  /** The time since the store was asked, in milliseconds. */
  readonly ageMs: number;
  readonly version?: string;
  /** The number of versions that a field of a class with `@SecretValue` has refused so far. Missing without any. */
  readonly rejected?: number;
}

/** A cached reading. Without a value the secret is absent. */
export interface CachedReading {
  readonly value: string | undefined;
  readonly version: string | undefined;
  /** The end of the lease, if there is one. */
  readonly expiresAt: Date | undefined;
  /** The time since the store was asked, in milliseconds. */
  readonly ageMs: number;
  /** `false` if the reading is too old to be served, even while the store cannot be asked. */
  readonly isServed: boolean;
}

/** Follows the outcomes of the reads and writes that reach the cache, after the cache has applied them. */
export interface CacheObserver {
  /**
   * @param secretName the name that was read or written; `undefined` stands for all names
   * @param outcomeOf returns the outcome for one of these names
   */
  onOutcome(
    secretName: string | undefined,
    outcomeOf: (secretName: string) => ReadOutcome,
    source: SecretChangeSource,
  ): void;
}

/** The part of the cache beside its manager: immediate answers, and the functions for applications. */
export interface SecretCache {
  /** The age up to which a value is served if the store cannot be asked, in milliseconds. 0 without a cache. */
  readonly maxStaleMs: number;
  /** Returns the value if it may be served without asking the store. Only valid and hosted names are cached. */
  peek(secretName: string): string | undefined;
  /** Returns the cached reading, even a stale one; `undefined` without one, and after the end of its lease. */
  cached(secretName: string): CachedReading | undefined;
  /** Keeps the secret cached, and fresh without traffic, until as many calls of `unpin`. */
  pin(secretName: string): void;
  unpin(secretName: string): void;
  /** Reports the outcomes of reads without params from now on. Returns a function that ends it. */
  observe(observer: CacheObserver): () => void;
  /** Reads one secret or all again. Rejects with the failure. A transient failure keeps the cached values. */
  refresh(secretName?: string): Promise<void>;
  /** Drops one secret or all. */
  invalidate(secretName?: string): void;
  inspect(): readonly SecretInspection[];
}

/** The cache of a pipeline with `cache: false`. */
export const NO_CACHE: SecretCache = {
  maxStaleMs: 0,
  peek: () => undefined,
  cached: () => undefined,
  pin: () => undefined,
  unpin: () => undefined,
  observe: () => () => undefined,
  refresh: () => Promise.resolve(),
  invalidate: () => undefined,
  inspect: () => [],
};
