import type { DeleteOptions, WriteOptions } from './custom-secret-manager';
import { FALLBACKS, type GetOptions } from './get-options';
import { assertPlainParams } from './params';
import { SecretManagerError, type OperationContext } from './secret-manager.error';
import { kindOf, quoteName } from './secret-name';

/** Throws `INVALID_ARGUMENT`, before the manager is asked, if an option of the call is of no use. */
export function assertCallOptions(
  options: GetOptions & WriteOptions & DeleteOptions,
  context: OperationContext,
): void {
  if (typeof options !== 'object' || options === null) {
    throw invalid(
      `The options of ${context.operation}() must be an object, and are ${kindOf(options)}.`,
      context,
    );
  }
  assertPlainParams(options.params, context);
  const given = options as Readonly<Record<string, unknown>>;
  for (const [name, problemOf] of OPTIONS) {
    const value = given[name];
    const problem = value === undefined ? undefined : problemOf(value);
    if (problem !== undefined) throw invalid(`The option \`${name}\` ${problem}.`, context);
  }
}

/** Throws `INVALID_ARGUMENT` unless the value can be stored; it is not told. */
export function assertSecretValue(
  value: unknown,
  context: OperationContext,
): asserts value is string {
  if (typeof value === 'string') return;
  throw invalid(
    `The value of ${quoteName(context.secretName)} must be a string, and is ${kindOf(value)}.`,
    context,
  );
}

const OPTIONS = Object.entries<(value: unknown) => string | undefined>({
  timeoutMs: (value) =>
    isNumber(value) && value > 0 ? undefined : 'must be more than 0 milliseconds',
  maxAgeMs: (value) =>
    isNumber(value) && value >= 0 ? undefined : 'must be 0 or more milliseconds',
  staleIfErrorMs: (value) =>
    isNumber(value) && value >= 0 ? undefined : 'must be 0 or more milliseconds',
  recoveryWindowInDays: (value) =>
    isNumber(value) && value >= 0 ? undefined : 'must be 0 or more days',
  default: (value) =>
    typeof value === 'string' ? undefined : `must be a string, and is ${kindOf(value)}`,
  description: (value) =>
    typeof value === 'string' ? undefined : `must be a string, and is ${kindOf(value)}`,
  createOnly: (value) =>
    typeof value === 'boolean' ? undefined : `must be true or false, and is ${kindOf(value)}`,
  fallback: (value) =>
    (FALLBACKS as readonly unknown[]).includes(value)
      ? undefined
      : `must be one of ${FALLBACKS.join(', ')}`,
  signal: (value) =>
    isSignal(value) ? undefined : `must be an AbortSignal, and is ${kindOf(value)}`,
  tags: (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((tag) => typeof tag === 'string')
      ? undefined
      : 'must be an object of strings',
});

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isSignal(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    typeof Reflect.get(value, 'addEventListener') === 'function' &&
    typeof Reflect.get(value, 'removeEventListener') === 'function'
  );
}

function invalid(message: string, context: OperationContext): SecretManagerError {
  return new SecretManagerError('INVALID_ARGUMENT', message, context);
}
