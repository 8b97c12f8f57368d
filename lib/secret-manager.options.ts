import type { CustomSecretManager } from './core/contract/custom-secret-manager';
import type { Environment } from './core/contract/environment';
import { FALLBACKS, type Fallback } from './core/contract/get-options';
import { attempt } from './core/errors/safe-access';
import { SecretManagerError } from './core/errors/secret-manager.error';
import { kindOf, quoteName } from './core/errors/wording';
import { DEFAULT_TIMEOUT_MS } from './core/time/durations';
import { copyOption, fieldsOf, readFields, unknownOptions } from './core/validation/option-rules';
import { configuredNameProblem } from './core/validation/secret-name';
import type { CacheOptions } from './policies/cache/cache.policy';
import type { CircuitBreakerOptions } from './policies/circuit-breaker/circuit-breaker.policy';
import type { RetryOptions } from './policies/retry.policy';
import {
  resolveSettings,
  settingsProblems,
  type KeyManagementSettings,
} from './secret-manager.settings';

/** A secret that is read before anything that injects `SecretsService` is constructed. */
export type PreloadedSecret =
  | string
  | {
      readonly name: string;
      /** Accepts an absent secret, but neither a failure nor an empty value. */
      readonly optional?: true;
      /** Accepts an empty value. */
      readonly allowEmpty?: true;
    };

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
  /** Receives the original error of a manager, unredacted. The error may hold secrets. */
  readonly debug?: (original: unknown, operation: string) => void;
}

/** Complete and valid options. */
export interface ResolvedOptions {
  readonly settings: Readonly<KeyManagementSettings>;
  readonly fallback: Fallback;
  readonly environment: Environment;
  readonly preload: readonly RequiredSecret[];
  readonly timeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly syncTimeoutMs: number;
  readonly cache: false | CacheOptions;
  readonly retry: false | RetryOptions;
  readonly circuitBreaker: false | CircuitBreakerOptions;
  readonly debug?: SecretManagerModuleOptions['debug'];
}

export interface RequiredSecret {
  /** The name as given. The look-up removes the prefix of a reference `os.environ/NAME`. */
  readonly name: string;
  readonly optional: boolean;
  readonly allowEmpty: boolean;
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
    debug,
  };
}

type ProblemOf = (value: unknown) => string | undefined;

const duration: ProblemOf = (value) =>
  Number.isFinite(value) && Number(value) >= 0
    ? undefined
    : `must be a number of milliseconds, 0 or more, and is ${shown(value)}`;

const deadline: ProblemOf = (value) =>
  Number.isFinite(value) && Number(value) > 0
    ? undefined
    : `must be a number of milliseconds, more than 0, and is ${shown(value)}`;

const count: ProblemOf = (value) =>
  Number.isInteger(value) && Number(value) >= 1
    ? undefined
    : `must be a whole number, 1 or more, and is ${shown(value)}`;

const ratio: ProblemOf = (value) =>
  Number.isFinite(value) && Number(value) >= 0 && Number(value) <= 1
    ? undefined
    : `must be a number from 0 to 1, and is ${shown(value)}`;

const oneOfFallbacks: ProblemOf = (value) =>
  (FALLBACKS as readonly unknown[]).includes(value)
    ? undefined
    : `must be one of ${FALLBACKS.join(', ')}`;

const environmentProblem: ProblemOf = (value) =>
  typeof value === 'object' && value !== null
    ? undefined
    : `must be a ConfigService or an object of strings, and is ${kindOf(value)}`;

const functionProblem: ProblemOf = (value) =>
  typeof value === 'function' ? undefined : `must be a function, and is ${kindOf(value)}`;

const POLICIES: Readonly<Record<string, Readonly<Record<string, ProblemOf>>>> = {
  cache: {
    ttlMs: duration,
    staleWhileRevalidateMs: duration,
    staleIfErrorMs: duration,
    absenceTtlMs: duration,
    maxEntries: count,
  },
  retry: { maxAttempts: count, baseDelayMs: duration, maxDelayMs: duration, budgetRatio: ratio },
  circuitBreaker: { failureThreshold: count, resetAfterMs: deadline },
};

const PLAIN: Readonly<Record<string, ProblemOf>> = {
  fallback: oneOfFallbacks,
  environment: environmentProblem,
  timeoutMs: deadline,
  attemptTimeoutMs: deadline,
  syncTimeoutMs: deadline,
  debug: functionProblem,
};

const COPIED = ['settings', 'preload', ...Object.keys(POLICIES)];
const FIELDS = [...COPIED.slice(0, 2), ...Object.keys(PLAIN), ...Object.keys(POLICIES)];

/** Returns a copy of the options, each read once. A getter or a proxy cannot change them later. */
function copyOptions(given: unknown, problems: string[]): unknown {
  if (!isRecord(given)) return given;
  const fields = new Set([...FIELDS, ...fieldsOf(given, '', problems)]);
  const options = readFields(given, [...fields], '', problems);
  for (const field of COPIED) options[field] = copyOption(options[field], field, problems);
  return options;
}

function optionsProblems(given: unknown): string[] {
  if (!isRecord(given)) return [`the options must be an object, and are ${kindOf(given)}`];
  return [
    ...settingsProblems(given.settings),
    ...preloadProblems(given.preload),
    ...fieldProblems('', PLAIN, given),
    ...Object.entries(POLICIES).flatMap(([policy, fields]) =>
      policyProblems(policy, fields, given[policy]),
    ),
    ...unknownOptions(given, FIELDS),
  ];
}

function policyProblems(
  policy: string,
  fields: Readonly<Record<string, ProblemOf>>,
  given: unknown,
): string[] {
  if (given === undefined || given === false) return [];
  if (!isRecord(given)) return [`${policy} must be an object or false, and is ${kindOf(given)}`];
  return [
    ...fieldProblems(`${policy}.`, fields, given),
    ...unknownOptions(given, Object.keys(fields), `${policy}.`),
  ];
}

function fieldProblems(
  prefix: string,
  fields: Readonly<Record<string, ProblemOf>>,
  given: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(fields).flatMap(([field, problemOf]) => {
    const problem = given[field] === undefined ? undefined : problemOf(given[field]);
    return problem === undefined ? [] : [`${prefix}${field} ${problem}`];
  });
}

function preloadProblems(given: unknown): string[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) return [`preload must be a list of names, and is ${kindOf(given)}`];
  return given.flatMap((secret: unknown, index) => {
    const problem = requiredSecretProblem(secret);
    return problem === undefined ? [] : [`preload[${index}] ${problem}`];
  });
}

/** Returns the problem of an item of `preload` or `forFeature` as the end of a sentence, or `undefined`. */
export function requiredSecretProblem(
  secret: unknown,
  flags: readonly string[] = ['optional', 'allowEmpty'],
): string | undefined {
  if (!isRecord(secret)) {
    if (typeof secret === 'string') return nameProblem(secret);
    return `must be ${aNameOr(flags)}, and is ${kindOf(secret)}`;
  }
  const isWrong = flags.some((flag) => secret[flag] !== undefined && secret[flag] !== true);
  if (isWrong) return `must be ${aNameOr(flags)}`;
  const [unknown] = unknownOptions(secret, ['name', ...flags]);
  return nameProblem(secret.name) ?? (unknown && `(${quoteName(secret.name)}): ${unknown}`);
}

function aNameOr(flags: readonly string[]): string {
  return `a name or { name, ${flags.map((flag) => `${flag}: true`).join(', ')} }`;
}

function nameProblem(name: unknown): string | undefined {
  const problem = configuredNameProblem(name);
  return problem && `(${quoteName(name)}) ${problem}`;
}

/** Returns an item of `preload` or `forFeature` in its full form. */
export function requiredSecret(secret: PreloadedSecret): RequiredSecret {
  const {
    name,
    optional = false,
    allowEmpty = false,
  } = typeof secret === 'object' && secret !== null ? secret : { name: secret };
  return { name, optional, allowEmpty };
}

function misconfigured(problems: readonly string[], manager: string): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    `The options of SecretManagerModule are not right:\n${problems.map((problem) => `- ${problem}`).join('\n')}`,
    { manager, operation: 'forRoot' },
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && attempt(() => Array.isArray(value)) === false
  );
}

/** Returns a number itself for a message, because it is no secret, and only the kind of any other value. */
function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : kindOf(value);
}
