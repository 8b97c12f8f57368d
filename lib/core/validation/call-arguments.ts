import type { DeleteOptions, WriteOptions } from '../contract/custom-secret-manager';
import { FALLBACKS } from '../contract/fallback';
import type { GetOptions } from '../contract/get-options';
import { attempt } from '../errors/safe-access';
import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';
import { kindOf, quoteName } from '../errors/wording';
import { LATEST_DATE_MS } from '../time/durations';
import { flag, must, oneOf, text, unchecked } from './option-rules';
import { copyParams } from './params';

type ProblemOf = (value: unknown) => string | undefined;

/** The options of any call. */
export type GivenOptions = Omit<GetOptions, 'default'> &
  WriteOptions &
  DeleteOptions & { readonly default?: unknown; readonly overlapMs?: number };

/**
 * Returns a copy of a call's options, each read once. A later change by the caller has no effect.
 *
 * Throws `INVALID_ARGUMENT`, before the manager is asked, for a wrong option or one whose getter throws. The
 * error of the getter is withheld.
 *
 * @param others rules that replace those of the table
 */
export function readCallOptions<Options extends GivenOptions>(
  given: Options,
  context: OperationContext,
  others: Readonly<Record<string, ProblemOf>> = {},
): Options {
  assertIsOptions(given, context);
  const options: Record<string, unknown> = {};
  for (const [name, byDefault] of RULES) {
    const value = readArgument(given, name, context);
    if (value === undefined) continue;
    assertOption(name, (others[name] ?? byDefault)(value), context);
    options[name] = value;
  }
  const { params, tags } = options;
  if (params !== undefined) options.params = copyParams(params, context);
  if (tags !== undefined) options.tags = copyTags(tags, context);
  return options as Options;
}

/** Throws `INVALID_ARGUMENT` if the options of a call are not an object. */
export function assertIsOptions(given: unknown, context: OperationContext): void {
  if (typeof given === 'object' && given !== null) return;
  const demand = `The options of ${context.operation}() must be an object, and are`;
  throw invalidArgument(`${demand} ${kindOf(given)}.`, context);
}

/** Returns a flag of the options, `false` by default. Throws `INVALID_ARGUMENT` unless it is a boolean. */
export function readFlag(given: unknown, name: string, context: OperationContext): boolean {
  const { [name]: value = false } = readArguments(given, [name], context);
  assertOption(name, flag(value), context);
  return value === true;
}

function assertOption(name: string, problem: string | undefined, context: OperationContext): void {
  if (problem !== undefined) throw invalidArgument(`The option \`${name}\` ${problem}.`, context);
}

/**
 * Returns the named properties of an argument, each read once. Throws `INVALID_ARGUMENT` if a getter throws.
 */
export function readArguments<Field extends string>(
  given: unknown,
  fields: readonly Field[],
  context: OperationContext,
): Readonly<Partial<Record<Field, unknown>>> {
  const read: Partial<Record<Field, unknown>> = {};
  if (typeof given !== 'object' || given === null) return read;
  for (const field of fields) {
    const value = readArgument(given, field, context);
    if (value !== undefined) read[field] = value;
  }
  return read;
}

/**
 * Returns a copy of a caller's list. Throws `INVALID_ARGUMENT` for a value that is no list or cannot be read.
 *
 * @param demand the beginning of the message, which ends with the kind of the value
 */
export function readList<Item>(
  given: readonly Item[],
  demand: string,
  context: OperationContext,
): readonly Item[] {
  const list = attempt(() => (Array.isArray(given) ? Array.from<Item>(given) : undefined));
  if (list !== undefined) return list;
  throw invalidArgument(`${demand} ${kindOf(given)}.`, context);
}

/** Throws `INVALID_ARGUMENT` if the value is not a string. The error does not hold the value. */
export function assertSecretValue(
  value: unknown,
  context: OperationContext,
): asserts value is string {
  if (typeof value === 'string') return;
  throw invalidArgument(
    `The value of ${quoteName(context.secretName)} must be a string, and is ${kindOf(value)}.`,
    context,
  );
}

const RULES = Object.entries<ProblemOf>({
  params: unchecked, // copied below
  timeoutMs: (value) =>
    isNumber(value) && value > 0 ? undefined : 'must be more than 0 milliseconds',
  maxAgeMs: atLeastZero('milliseconds'),
  staleIfErrorMs: atLeastZero('milliseconds'),
  overlapMs: (value) =>
    isNumber(value) && value >= 0 && Date.now() + value <= LATEST_DATE_MS
      ? undefined
      : 'must be a number of milliseconds, 0 or more',
  recoveryWindowInDays: atLeastZero('days'),
  default: text,
  allowEmpty: flag,
  description: text,
  createOnly: flag,
  fallback: oneOf(FALLBACKS),
  signal: must('be an AbortSignal', (value) => attempt(() => isSignal(value)) === true),
  tags: unchecked, // copied below
});

function atLeastZero(unit: string): ProblemOf {
  return (value) => (isNumber(value) && value >= 0 ? undefined : `must be 0 or more ${unit}`);
}

function copyTags(tags: unknown, context: OperationContext): Readonly<Record<string, string>> {
  const copy = attempt(() =>
    typeof tags === 'object' && tags !== null ? Object.entries(tags) : undefined,
  );
  if (Array.isArray(copy) && copy.every(isTag)) return Object.fromEntries(copy);
  throw invalidArgument('The option `tags` must be an object of strings.', context);
}

function isTag(entry: unknown): entry is [string, string] {
  return Array.isArray(entry) && typeof entry[1] === 'string';
}

function readArgument(given: object, name: string, context: OperationContext): unknown {
  try {
    return Reflect.get(given, name);
  } catch {
    throw invalidArgument(
      `\`${name}\` could not be read: its getter threw. Pass a plain object.`,
      context,
    );
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isSignal(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'aborted') === 'boolean' &&
    typeof Reflect.get(value, 'addEventListener') === 'function' &&
    typeof Reflect.get(value, 'removeEventListener') === 'function'
  );
}

export function invalidArgument(message: string, context: OperationContext): SecretManagerError {
  return new SecretManagerError('INVALID_ARGUMENT', message, context);
}
