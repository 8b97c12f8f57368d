import type { OperationOptions } from './custom-secret-manager';
import type { Fallback } from './fallback';

export interface GetOptions extends OperationOptions {
  /** The answer if the secret is absent everywhere. A default never hides a failure. */
  readonly default?: string;
  /** Default: the module's, which is `on-absence`. */
  readonly fallback?: Fallback;
  /**
   * The largest age of the answer, in milliseconds. 0 asks the store. A failure is thrown, unless
   * `staleIfErrorMs` is given. Default: the bounds of the cache.
   */
  readonly maxAgeMs?: number;
  /**
   * The largest age of the answer if the store cannot be asked, in milliseconds. 0 throws every failure. Give a
   * small value where an answer authorises somebody. Default: `ttlMs + staleIfErrorMs` of the cache; 0 if
   * `maxAgeMs` is given.
   */
  readonly staleIfErrorMs?: number;
  /** Accepts an empty value where a secret is required: `getOrThrow`, `get` of a handle. Default `false`. */
  readonly allowEmpty?: boolean;
}

export interface BooleanGetOptions extends Omit<GetOptions, 'default'> {
  readonly default?: boolean;
}
