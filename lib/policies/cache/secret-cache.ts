/** What is known of a secret that the cache holds. Never its value. */
export interface SecretInspection {
  readonly name: string;
  /** `stale`: past its time to live, or its last refresh failed. `absent`: the store has no such secret. */
  readonly state: 'fresh' | 'stale' | 'absent';
  /** How long ago the store was asked for it, in milliseconds. */
  readonly ageMs: number;
  readonly version?: string;
}

/** The side of the cache that is no manager: what answers at once, and what applications see of it. */
export interface SecretCache {
  /** The value, if it may be served at once without asking the store. Only names that may be asked for get in here. */
  peek(secretName: string): string | undefined;
  /** Keeps the secret from being evicted, and fresh without traffic. */
  pin(secretName: string): void;
  /** Reads again now, one secret or all. Rejects with the failure; what is cached stays if that was transient. */
  refresh(secretName?: string): Promise<void>;
  /** Drops one secret or all. */
  invalidate(secretName?: string): void;
  inspect(): readonly SecretInspection[];
}

/** Stands where `cache: false` took the cache out. */
export const NO_CACHE: SecretCache = {
  peek: () => undefined,
  pin: () => undefined,
  refresh: () => Promise.resolve(),
  invalidate: () => undefined,
  inspect: () => [],
};
