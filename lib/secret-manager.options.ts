import type { CustomSecretManager } from './core/contract/custom-secret-manager';
import type { Environment } from './core/contract/environment';
import { FALLBACKS, type Fallback } from './core/contract/fallback';
import { SecretManagerError } from './core/errors/secret-manager.error';
import { kindOf } from './core/errors/wording';
import { DEFAULT_TIMEOUT_MS } from './core/time/durations';
import { copyOption, fieldsOf, readFields } from './core/validation/option-copies';
import {
  aFunction,
  duration,
  isRecord,
  listed,
  must,
  numberOrKind,
  oneOf,
  optional,
  ruleProblems,
  type Rule,
  type Rules,
} from './core/validation/option-rules';
import {
  fleetProblems,
  resolveFleetOptions,
  type FleetOptions,
  type ResolvedFleetOptions,
} from './fleet/fleet-options';
import type { CacheOptions } from './policies/cache/cache-options';
import type { CircuitBreakerOptions } from './policies/circuit-breaker/circuit-breaker.policy';
import type { PipelineOptions } from './policies/compose';
import type { RetryOptions } from './policies/retry.policy';
import {
  requiredSecret,
  requiredSecretProblem,
  type PreloadedSecret,
  type RequiredSecret,
} from './module/required-secrets';
import {
  resolveSettings,
  settingsProblems,
  type KeyManagementSettings,
} from './secret-manager.settings';

export type { PreloadedSecret, RequiredSecret };

/** The options that are known at run time. Each has a default. Durations are in milliseconds. */
export interface SecretManagerModuleOptions {
  readonly settings?: Partial<KeyManagementSettings>;
  /** The cases in which the environment answers in place of the manager. Default `on-absence`. */
  readonly fallback?: Fallback;
  /** The source of a fallback: a `ConfigService`, or a record. Default `process.env`. */
  readonly environment?: Environment;
  /**
   * The secrets that are read at start, and stay fresh without traffic. A missing or empty one keeps the
   * application from starting.
   */
  readonly preload?: readonly PreloadedSecret[];
  /** The deadline of a whole call. Default 30 000. */
  readonly timeoutMs?: number;
  /** The longest that one attempt may take. Default 10 000. */
  readonly attemptTimeoutMs?: number;
  /** The longest that a synchronous read may block the event loop. Default 3 000. */
  readonly syncTimeoutMs?: number;
  readonly cache?: false | Omit<CacheOptions, 'onStateChange'>;
  readonly retry?: false | RetryOptions;
  readonly circuitBreaker?:
    false | Omit<CircuitBreakerOptions, 'onStateChange' | 'hasHealthCheck' | 'holdsOneSecret'>;
  /** The other instances of the application, which hear of each change over a broker. Default: none. */
  readonly fleet?: FleetOptions;
  /** Receives the original error of a manager, unredacted. The error may hold secrets. */
  readonly debug?: (original: unknown, operation: string) => void;
}

/** Complete and valid options. */
export interface ResolvedOptions extends Pick<
  PipelineOptions,
  'timeoutMs' | 'attemptTimeoutMs' | 'syncTimeoutMs' | 'cache' | 'retry' | 'circuitBreaker'
> {
  readonly settings: Readonly<KeyManagementSettings>;
  readonly fallback: Fallback;
  readonly environment: Environment;
  readonly preload: readonly RequiredSecret[];
  readonly fleet: ResolvedFleetOptions | undefined;
  readonly debug?: SecretManagerModuleOptions['debug'];
}

/**
 * Returns the options with their defaults. Throws one `MISCONFIGURED` that lists every problem, and no value.
 */
export function resolveOptions(
  given: SecretManagerModuleOptions,
  manager: CustomSecretManager,
): ResolvedOptions {
  const unreadable: string[] = [];
  const options = copyOptions(given, unreadable);
  const problems = [...unreadable, ...optionsProblems(options)];
  if (problems.length > 0) throw misconfigured(problems, manager.secretManagerName);
  const {
    settings,
    fallback = 'on-absence',
    environment = process.env,
    preload = [],
    timeoutMs = DEFAULT_TIMEOUT_MS,
    attemptTimeoutMs = 10_000,
    syncTimeoutMs = 3_000,
    cache = {},
    retry = {},
    circuitBreaker = {},
    fleet,
    debug,
  } = options as SecretManagerModuleOptions; // checked above
  return {
    settings: resolveSettings(settings),
    fallback,
    environment,
    preload: preload.map(requiredSecret),
    timeoutMs,
    attemptTimeoutMs,
    syncTimeoutMs,
    cache,
    retry,
    circuitBreaker,
    fleet: fleet && resolveFleetOptions(fleet),
    debug,
  };
}

const deadline = must(
  'be a number of milliseconds, more than 0',
  (value) => Number.isFinite(value) && Number(value) > 0,
  numberOrKind,
);

const count = must(
  'be a whole number, 1 or more',
  (value) => Number.isInteger(value) && Number(value) >= 1,
  numberOrKind,
);

const ratio = must(
  'be a number from 0 to 1',
  (value) => Number.isFinite(value) && Number(value) >= 0 && Number(value) <= 1,
  numberOrKind,
);

const RULES = optional({
  settings: settingsProblems,
  preload: preloadProblems,
  fallback: oneOf(FALLBACKS),
  environment: must(
    'be a ConfigService or an object of strings',
    (value) => typeof value === 'object' && value !== null,
  ),
  timeoutMs: deadline,
  attemptTimeoutMs: deadline,
  syncTimeoutMs: deadline,
  fleet: fleetProblems,
  debug: aFunction,
  cache: objectOrFalse({
    ttlMs: duration(),
    staleWhileRevalidateMs: duration(),
    staleIfErrorMs: duration(),
    absenceTtlMs: duration(),
    maxEntries: count,
  }),
  retry: objectOrFalse({
    maxAttempts: count,
    baseDelayMs: duration(),
    maxDelayMs: duration(),
    budgetRatio: ratio,
  }),
  circuitBreaker: objectOrFalse({ failureThreshold: count, resetAfterMs: deadline }),
});

const COPIED = ['settings', 'preload', 'cache', 'retry', 'circuitBreaker'];

/** Returns a copy of the options, each read once. A getter or a proxy cannot change them later. */
function copyOptions(given: unknown, problems: string[]): unknown {
  if (!isRecord(given)) return given;
  const fields = new Set([...Object.keys(RULES), ...fieldsOf(given, '', problems)]);
  const options = readFields(given, [...fields], '', problems);
  for (const field of COPIED) options[field] = copyOption(options[field], field, problems);
  const { fleet } = options; // its transport and its handle are no plain objects
  if (isRecord(fleet)) {
    options.fleet = readFields(fleet, fieldsOf(fleet, 'fleet', problems), 'fleet', problems);
  }
  return options;
}

function optionsProblems(given: unknown): readonly string[] {
  return isRecord(given)
    ? ruleProblems(given, RULES)
    : [`the options must be an object, and are ${kindOf(given)}`];
}

function objectOrFalse(rules: Rules): Rule {
  const optionalRules = optional(rules);
  return (value, path) => {
    if (value === false) return undefined;
    if (!isRecord(value)) return `must be an object or false, and is ${kindOf(value)}`;
    return ruleProblems(value, optionalRules, `${path}.`);
  };
}

function preloadProblems(given: unknown, path: string): ReturnType<Rule> {
  if (!Array.isArray(given)) return `must be a list of names, and is ${kindOf(given)}`;
  return given.flatMap((secret: unknown, index) => {
    const problem = requiredSecretProblem(secret);
    return problem === undefined ? [] : [`${path}[${index}] ${problem}`];
  });
}

function misconfigured(problems: readonly string[], manager: string): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    `The options of SecretManagerModule are not right:\n${listed(problems)}`,
    { manager, operation: 'forRoot' },
  );
}
