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
}

/** The part of the cache beside its manager: immediate answers, and the functions for applications. */
export interface SecretCache {
  /** Returns the value if it may be served without asking the store. Only valid and hosted names are cached. */
  peek(secretName: string): string | undefined;
  /** Keeps the secret cached, and fresh without traffic. */
  pin(secretName: string): void;
  /** Reads one secret or all again. Rejects with the failure. A transient failure keeps the cached values. */
  refresh(secretName?: string): Promise<void>;
  /** Drops one secret or all. */
  invalidate(secretName?: string): void;
  inspect(): readonly SecretInspection[];
}

/** The cache of a pipeline with `cache: false`. */
export const NO_CACHE: SecretCache = {
  peek: () => undefined,
  pin: () => undefined,
  refresh: () => Promise.resolve(),
  invalidate: () => undefined,
  inspect: () => [],
};
