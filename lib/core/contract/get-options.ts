import type { OperationOptions } from './custom-secret-manager';

export const FALLBACKS = ['never', 'on-absence', 'on-unavailable', 'on-any-failure'] as const;

/**
 * When the environment answers in place of the manager: never; where the manager has no such secret (`on-absence`); also
 * where it could not be asked (`on-unavailable`: `TIMEOUT`, `UNAVAILABLE`, `THROTTLED`); or, as LiteLLM does, whatever
 * went wrong (`on-any-failure`), save a bad name and the caller's own abort.
 */
export type Fallback = (typeof FALLBACKS)[number];

export interface GetOptions extends OperationOptions {
  /** The answer if the secret is absent everywhere. It never hides a failure. */
  readonly default?: string;
  /** Default: the module's, which is `on-absence`. */
  readonly fallback?: Fallback;
  /**
   * How old the answer may be, in milliseconds. 0 asks the store. A failure is thrown, unless `staleIfErrorMs` is given.
   * Default: the cache's bounds.
   */
  readonly maxAgeMs?: number;
  /**
   * How old the answer may be if the store cannot be asked, in milliseconds. 0: a failure is always thrown. Give a small one
   * where an answer authorises somebody. Default: the cache's `ttlMs + staleIfErrorMs`; 0 where `maxAgeMs` is given.
   */
  readonly staleIfErrorMs?: number;
  /** Whether an empty value counts as one where a secret is required: `getOrThrow`, `get` of a handle. Default `false`. */
  readonly allowEmpty?: boolean;
}
