import {
  implementsOperation,
  unsupported,
  type CustomSecretManager,
  type OptionalOperation,
} from '../core/custom-secret-manager';
import { AnnouncedWritesPolicy } from './announced-writes.policy';
import { BoundaryPolicy, type BoundaryOptions } from './boundary.policy';
import { BundlePolicy } from './bundle.policy';
import { CachePolicy, type CacheOptions } from './cache.policy';
import {
  CircuitBreakerPolicy,
  type CircuitBreakerOptions,
  type CircuitState,
} from './circuit-breaker.policy';
import { DeadlinePolicy } from './deadline.policy';
import type { Pipeline } from './policy';
import { RetryPolicy, type RetryOptions } from './retry.policy';
import { NO_CACHE, type SecretCache } from './secret-cache';
import { SingleFlightPolicy } from './single-flight.policy';

export interface PipelineOptions extends BoundaryOptions {
  readonly primarySecretName?: string;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly cache: false | CacheOptions;
  readonly retry: false | RetryOptions;
  readonly circuitBreaker: false | CircuitBreakerOptions;
}

/** A manager with all its policies, and the places from which it is used. */
export interface SecretPipeline {
  /** What a read of an application's secret goes through. */
  readonly outermost: Pipeline;
  /** The same without cache: for what must not get in there. */
  readonly uncached: Pipeline;
  /** The same with a cache of its own, where a name may be that the settings do not host. */
  readonly virtualKeys: Pipeline;
  readonly cache: SecretCache;
  readonly circuitState: () => CircuitState;
  /** Drops one secret, or all, wherever it is cached. */
  readonly forget: (secretName?: string) => void;
  /** Ends what is under way, and closes the manager. */
  readonly close: () => Promise<void>;
  /** Whether the manager has the operation. */
  readonly isSupported: (operation: OptionalOperation) => boolean;
  /** Throws `UNSUPPORTED` if the manager leaves the operation out. */
  readonly assertSupported: (operation: OptionalOperation, secretName: string) => void;
}

/** Puts the policies around a manager. Read from the bottom: that is the way of a call. */
export function compose(manager: CustomSecretManager, options: PipelineOptions): SecretPipeline {
  const { primarySecretName, timeoutMs, attemptTimeoutMs } = options;

  const boundary = new BoundaryPolicy(manager, options);
  const deadline = new DeadlinePolicy(boundary, { attemptTimeoutMs, startTimeoutMs: timeoutMs });
  const retry = options.retry && new RetryPolicy(deadline, options.retry);
  const circuitBreaker =
    options.circuitBreaker && new CircuitBreakerPolicy(retry || deadline, options.circuitBreaker);
  const forget = (secretName?: string): void => {
    for (const each of caches) each.invalidate(secretName);
  };
  const uncached = new AnnouncedWritesPolicy(circuitBreaker || retry || deadline, forget);

  const readsBatches = implementsOperation(manager, 'readSecrets');
  const singleFlight = new SingleFlightPolicy(uncached, { timeoutMs, readsBatches });
  const cache = options.cache && new CachePolicy(singleFlight, options.cache);
  const bundle =
    primarySecretName !== undefined &&
    new BundlePolicy(cache || singleFlight, { primarySecretName, cache: cache || NO_CACHE });
  const outermost = bundle || cache || singleFlight;

  const keyFlight = new SingleFlightPolicy(uncached, { timeoutMs, readsBatches });
  const quiet = { ...options.cache, onStateChange: undefined }; // the cache above tells of an outage, once
  const keyCache = options.cache && new CachePolicy(keyFlight, quiet);
  const virtualKeys = keyCache || keyFlight;

  const caches: readonly SecretCache[] = [cache || NO_CACHE, keyCache || NO_CACHE];

  return {
    outermost,
    uncached,
    virtualKeys,
    cache: bundle || cache || NO_CACHE,
    forget,
    close: async () => void (await Promise.all([outermost.close(), virtualKeys.close()])),
    circuitState: () => (circuitBreaker ? circuitBreaker.state : 'closed'),
    isSupported: (operation) => implementsOperation(manager, operation),
    assertSupported: (operation, secretName) => {
      if (!implementsOperation(manager, operation))
        throw unsupported(manager, operation, secretName);
    },
  };
}
