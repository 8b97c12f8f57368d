export interface CacheOptions {
  /**
   * The time for which a value is fresh, in milliseconds. Up to 10 % are subtracted, so that values do not
   * expire together. Default 300 000.
   */
  readonly ttlMs?: number;
  /**
   * The time after `ttlMs` in which a value is served while a background refresh runs, in milliseconds. Default
   * 60 000.
   */
  readonly staleWhileRevalidateMs?: number;
  /**
   * The time after `ttlMs` in which a value is served if the store cannot be asked, in milliseconds. Default 3
   * 600 000 (RFC 5861).
   */
  readonly staleIfErrorMs?: number;
  /** The time for which an absence is cached, in milliseconds. Default 10 000. */
  readonly absenceTtlMs?: number;
  /**
   * The largest number of cached values. The least recently used ones are evicted first. Default 10 000.
   * Absences have a bound of their own, 1 000.
   */
  readonly maxEntries?: number;
  /** Called once when the first refresh fails, and once when all refreshes succeed again. */
  readonly onStateChange?: (state: 'stale' | 'recovered', error?: unknown) => void;
}
