import {
  implementsOperation,
  unsupported,
  type CustomSecretManager,
  type OptionalOperation,
} from '../core/contract/custom-secret-manager';
import { BoundaryPolicy, type BoundaryOptions } from './boundary.policy';
import { BundlePolicy } from './bundle/bundle.policy';
import { CachePolicy, type CacheOptions } from './cache/cache.policy';
import { NO_CACHE, type SecretCache } from './cache/secret-cache';
import {
  CircuitBreakerPolicy,
  type CircuitBreakerOptions,
  type CircuitState,
} from './circuit-breaker/circuit-breaker.policy';
import { DeadlinePolicy } from './deadline.policy';
import type { Pipeline } from './policy';
import { RetryPolicy, type RetryOptions } from './retry.policy';
import { SingleFlightPolicy } from './single-flight/single-flight.policy';
import { ReadYourWritesPolicy } from './writes/read-your-writes.policy';
import { Writes, WritesPolicy } from './writes/writes.policy';

export interface PipelineOptions extends BoundaryOptions {
  readonly primarySecretName?: string;
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly syncTimeoutMs: number;
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
  /** A pipeline of its own, with cache, circuit and retry budget: a flood of made-up keys stops no application's secret. */
  readonly virtualKeys: Pipeline;
  readonly cache: SecretCache;
  readonly circuitState: () => CircuitState;
  /** How long reads still fail at once, in milliseconds. */
  readonly circuitRetryAfterMs: () => number | undefined;
  /** Drops one secret, or all, in every cache. Of a primary secret every key is a part. */
  readonly forget: (secretName?: string) => void;
  /** Ends what is under way, and closes the manager. */
  readonly close: () => Promise<void>;
  /** Whether the shutdown has begun: from then on every call fails, also one that the environment could answer. */
  readonly isClosed: () => boolean;
  /** Whether the manager has the operation. */
  readonly isSupported: (operation: OptionalOperation) => boolean;
  /** Throws `UNSUPPORTED` if the manager leaves the operation out. */
  readonly assertSupported: (operation: OptionalOperation, secretName: string) => void;
}

/** Puts the policies around a manager. Read `compose` and `chain` from the bottom: that is the way of a call. */
export function compose(manager: CustomSecretManager, options: PipelineOptions): SecretPipeline {
  const { primarySecretName, timeoutMs, attemptTimeoutMs, syncTimeoutMs } = options;

  const boundary = new BoundaryPolicy(manager, options);
  const deadline = new DeadlinePolicy(boundary, {
    attemptTimeoutMs,
    syncTimeoutMs,
    startTimeoutMs: timeoutMs,
  });
  const writes = new Writes();

  const { guarded, circuitBreaker, cache, cached } = chain(manager, deadline, writes, options);
  const bundle =
    primarySecretName !== undefined && new BundlePolicy(cached, { primarySecretName, cache });
  const outermost = bundle || cached;

  const keys = chain(manager, deadline, writes, forVirtualKeys(options));

  let isClosed = false;

  return {
    outermost,
    uncached: new WritesPolicy(guarded, writes),
    virtualKeys: keys.cached,
    cache: bundle || cache,
    forget: (secretName) => {
      if (bundle && secretName !== undefined) bundle.invalidate();
      writes.invalidate(secretName);
    },
    close: async () => {
      isClosed = true;
      await Promise.all([outermost.close(), keys.cached.close()]);
    },
    isClosed: () => isClosed,
    circuitState: () => (circuitBreaker ? circuitBreaker.state : 'closed'),
    circuitRetryAfterMs: () => (circuitBreaker ? circuitBreaker.refusedForMs : undefined),
    isSupported: (operation) => implementsOperation(manager, operation),
    assertSupported: (operation, secretName) => {
      if (!implementsOperation(manager, operation))
        throw unsupported(manager, operation, secretName);
    },
  };
}

/** What the application's secrets and the virtual keys have each of their own. */
interface Chain {
  readonly circuitBreaker: false | CircuitBreakerPolicy;
  readonly guarded: Pipeline;
  readonly cache: SecretCache;
  readonly cached: Pipeline;
}

function chain(
  manager: CustomSecretManager,
  deadline: DeadlinePolicy,
  writes: Writes,
  { timeoutMs, ...options }: PipelineOptions,
): Chain {
  const retry = options.retry && new RetryPolicy(deadline, options.retry);
  const hasHealthCheck = implementsOperation(manager, 'checkHealth');
  const circuitBreaker =
    options.circuitBreaker &&
    new CircuitBreakerPolicy(retry || deadline, {
      ...options.circuitBreaker,
      hasHealthCheck,
      holdsOneSecret: options.primarySecretName !== undefined,
    });
  const guarded = circuitBreaker || retry || deadline;
  const readYourWrites = new ReadYourWritesPolicy(guarded, writes.recent);
  const readsBatches = implementsOperation(manager, 'readSecrets');
  const singleFlight = new SingleFlightPolicy(readYourWrites, { timeoutMs, readsBatches });
  const cache = options.cache && new CachePolicy(singleFlight, options.cache, writes.recent);
  writes.observe(cache || singleFlight);
  const cached = new WritesPolicy(cache || singleFlight, writes, (read, written) => {
    if (cache) cache.written(read, written);
  });
  return { circuitBreaker, guarded, cache: cache || NO_CACHE, cached };
}

/** Each virtual key is a secret. The chain of the application's secrets tells of an outage, once for all. */
function forVirtualKeys(options: PipelineOptions): PipelineOptions {
  return {
    ...options,
    primarySecretName: undefined,
    cache: options.cache && { ...options.cache, onStateChange: undefined },
    circuitBreaker: options.circuitBreaker && {
      ...options.circuitBreaker,
      onStateChange: undefined,
    },
  };
}
