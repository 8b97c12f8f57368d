import { writesWait } from '../core/calls/waiting';
import {
  implementsOperation,
  unsupported,
  type CustomSecretManager,
  type OptionalOperation,
} from '../core/contract/custom-secret-manager';
import { fallbackProblem } from '../core/contract/environment';
import type { Fallback } from '../core/contract/fallback';
import { BoundaryPolicy, type BoundaryOptions } from './boundary.policy';
import { BundlePolicy } from './bundle/bundle.policy';
import type { CacheOptions } from './cache/cache-options';
import { CachePolicy } from './cache/cache.policy';
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
import type { AnnouncementKind, ReportedChange } from './writes/announcements';
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

/** A manager with all its policies, and the entry points for its users. */
export interface SecretPipeline {
  /** The pipeline for the secrets of the application. */
  readonly outermost: Pipeline;
  /** The same pipeline without the cache, for secrets that must not be cached. */
  readonly uncached: Pipeline;
  /**
   * The pipeline for virtual keys, with its own cache, circuit and retry budget. A flood of made-up keys then
   * stops no secret of the application.
   */
  readonly virtualKeys: Pipeline;
  readonly cache: SecretCache;
  /** `false` with `cache: false`. */
  readonly hasCache: boolean;
  readonly circuitState: () => CircuitState;
  /** The time for which reads still fail at once, in milliseconds. */
  readonly circuitRetryAfterMs: () => number | undefined;
  /**
   * Drops one secret, or all, in every cache, and announces the change to the fleet. With a primary secret, every name
   * drops the primary secret, too.
   *
   * @param kind `revoked` makes the other instances drop it, too; `changed` makes them read it again
   */
  readonly forget: (secretName?: string, kind?: AnnouncementKind) => void;
  /**
   * Calls the listener after each `forget`, with `undefined` if a primary secret was dropped. A write drops cached
   * values, too, and is none.
   */
  readonly whenForgotten: (listener: (secretName: string | undefined) => void) => void;
  /** Expires the secret in every cache, and announces the change if `isAnnounced`. */
  readonly report: (
    secretName: string,
    source: ReportedChange['source'],
    isAnnounced: boolean,
  ) => void;
  /** Calls the listener with each reported name; with `undefined` if a primary secret may have changed. */
  readonly whenReported: (listener: (secretName: string | undefined) => void) => void;
  /** The entry points for a fleet. */
  readonly changes: FleetEntry;
  /** Cancels the calls in flight, and closes the manager. */
  readonly close: () => Promise<void>;
  /**
   * Returns whether the shutdown has begun. From then on every call fails, even one that the environment could
   * answer.
   */
  readonly isClosed: () => boolean;
  /** Returns why a call may not have this fallback, as the end of a sentence, or `undefined`. */
  readonly fallbackProblem: (fallback: Fallback) => string | undefined;
  /** `true` if the manager reports changes of the store by itself. */
  readonly isPushed: boolean;
  /** Returns whether the manager implements the operation. */
  readonly isSupported: (operation: OptionalOperation) => boolean;
  /** Throws `UNSUPPORTED` if the manager does not implement the operation. */
  readonly assertSupported: (operation: OptionalOperation, secretName: string) => void;
}

/** Applies the changes that a fleet reports. */
export type FleetEntry = Pick<
  Writes,
  'joinFleet' | 'expire' | 'revoke' | 'limitFreshness' | 'heldNames'
>;

/** Puts the policies around a manager. A call passes `compose` and `chain` from the bottom to the top. */
export function compose(manager: CustomSecretManager, options: PipelineOptions): SecretPipeline {
  const { primarySecretName, timeoutMs, attemptTimeoutMs, syncTimeoutMs } = options;

  const boundary = new BoundaryPolicy(manager, options);
  const deadline = new DeadlinePolicy(boundary, {
    attemptTimeoutMs,
    syncTimeoutMs,
    startTimeoutMs: timeoutMs,
    writesWait: writesWait(manager),
  });
  const writes = new Writes();

  const { guarded, circuitBreaker, cache, cached } = chain(manager, deadline, writes, options);
  const bundle =
    primarySecretName !== undefined && new BundlePolicy(cached, { primarySecretName, cache });
  const outermost = bundle || cached;

  const keys = chain(manager, deadline, writes, virtualKeyOptions(options));

  const storedNames = (secretName: string | undefined): readonly (string | undefined)[] =>
    bundle && secretName !== undefined
      ? [...new Set([primarySecretName, secretName])]
      : [secretName];
  const nameForListeners = (secretName: string | undefined): string | undefined =>
    bundle ? undefined : secretName;
  let isClosed = false;
  let onForget = (_secretName: string | undefined): void => undefined;
  let onReport = (_secretName: string | undefined): void => undefined;

  return {
    outermost,
    uncached: new WritesPolicy(guarded, writes),
    virtualKeys: keys.cached,
    cache: bundle || cache,
    hasCache: options.cache !== false,
    changes: {
      joinFleet: (fleet) => writes.joinFleet(fleet),
      heldNames: () => writes.heldNames(),
      limitFreshness: (isCut) => writes.limitFreshness(isCut),
      expire: (secretName, change) => writes.expire(secretName, change),
      revoke: (secretName, change) => {
        writes.revoke(secretName, change);
        onForget(nameForListeners(secretName));
      },
    },
    forget: (secretName, kind = 'changed') => {
      if (bundle && secretName !== undefined) bundle.invalidate();
      writes.invalidate(secretName);
      for (const name of storedNames(secretName)) writes.announce({ kind, secretName: name });
      onForget(nameForListeners(secretName));
    },
    report: (secretName, source, isAnnounced) => {
      for (const name of storedNames(secretName)) {
        writes.expire(name, { source, spreadMs: 0 });
        if (isAnnounced) writes.announce({ kind: 'changed', secretName: name });
      }
      onReport(nameForListeners(secretName));
    },
    whenReported: (listener) => {
      onReport = listener;
    },
    whenForgotten: (listener) => {
      onForget = listener;
    },
    close: async () => {
      isClosed = true;
      await Promise.all([outermost.close(), keys.cached.close()]);
    },
    isClosed: () => isClosed,
    fallbackProblem: (fallback) => fallbackProblem(manager, fallback),
    circuitState: () => (circuitBreaker ? circuitBreaker.state : 'closed'),
    circuitRetryAfterMs: () => (circuitBreaker ? circuitBreaker.refusedForMs : undefined),
    isPushed: typeof manager.watchSecrets === 'function',
    isSupported: (operation) => implementsOperation(manager, operation),
    assertSupported: (operation, secretName) => {
      if (!implementsOperation(manager, operation))
        throw unsupported(manager, operation, secretName);
    },
  };
}

/** The policies that secrets and virtual keys each have of their own. */
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
  const readYourWrites = new ReadYourWritesPolicy(guarded, writes.recent, writes.changes);
  const readsBatches = implementsOperation(manager, 'readSecrets');
  const singleFlight = new SingleFlightPolicy(readYourWrites, { timeoutMs, readsBatches });
  const cache =
    options.cache && new CachePolicy(singleFlight, options.cache, writes.recent, writes.changes);
  writes.observe(cache || singleFlight);
  const cached = new WritesPolicy(cache || singleFlight, writes, (read, written) => {
    if (cache) cache.storeWritten(read, written);
  });
  return { circuitBreaker, guarded, cache: cache || NO_CACHE, cached };
}

/**
 * Returns the options for virtual keys. Each key is a secret of its own, and only the chain for secrets reports
 * an outage.
 */
function virtualKeyOptions(options: PipelineOptions): PipelineOptions {
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
