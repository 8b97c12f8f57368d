import { attempt } from '../errors/safe-access';
import { SecretManagerError } from '../errors/secret-manager.error';
import { kindOf, quoteName } from '../errors/wording';

/**
 * Returns the problem of an option: the rest of a sentence that begins with its name, or whole sentences.
 *
 * @param path the name of the option, as `cache.ttlMs`
 */
export type Rule = (value: unknown, path: string) => string | readonly string[] | undefined;

export type Rules<Field extends string = string> = Readonly<Record<Field, Rule>>;

/** Returns every problem of an options object as a sentence: of its fields, then one for each unknown option. */
export function ruleProblems(given: object, rules: Rules, prefix = ''): readonly string[] {
  const problems = Object.entries(rules).flatMap(([field, problemOf]) => {
    const path = `${prefix}${field}`;
    const problem = problemOf(Reflect.get(given, field), path) ?? [];
    return typeof problem === 'string' ? [`${path} ${problem}`] : problem;
  });
  return [...problems, ...unknownOptions(given, Object.keys(rules), prefix)];
}

/** Returns the rules of options that may be missing. */
export function optional(rules: Rules): Rules {
  return Object.fromEntries(
    Object.entries(rules).map(([field, problemOf]) => [
      field,
      (value, path) => (value === undefined ? undefined : problemOf(value, path)),
    ]),
  );
}

/**
 * Returns the rule of a value that must fulfil a demand, as `be a string`. The problem shows only the kind of a wrong
 * value.
 */
export function must(
  demand: string,
  isMet: (value: unknown) => boolean,
  show: (value: unknown) => string = kindOf,
): (value: unknown) => string | undefined {
  return (value) => (isMet(value) ? undefined : `must ${demand}, and is ${show(value)}`);
}

/** Returns a number itself for a message, because it is no secret, and only the kind of any other value. */
export function numberOrKind(value: unknown): string {
  return typeof value === 'number' ? String(value) : kindOf(value);
}

/** Returns the rule of a duration of `leastMs` milliseconds or more. */
export function duration(leastMs = 0): (value: unknown) => string | undefined {
  return must(
    `be a number of milliseconds, ${leastMs} or more`,
    (value) => Number.isFinite(value) && Number(value) >= leastMs,
    numberOrKind,
  );
}

export const aFunction = must('be a function', (value) => typeof value === 'function');

export const flag = must('be true or false', (value) => typeof value === 'boolean');

export const text = must('be a string', (value) => typeof value === 'string');

export function oneOf(choices: readonly unknown[]): (value: unknown) => string | undefined {
  const problem = `must be one of ${choices.join(', ')}`;
  return (value) => (choices.includes(value) ? undefined : problem);
}

/** Returns whether a value is an object with fields, and no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' && value !== null && attempt(() => Array.isArray(value)) === false
  );
}

/** The rule of an option that is checked elsewhere. */
export const unchecked = (): undefined => undefined;

/**
 * Returns a problem for each field of `given` that is not one of the `known` options. An unknown option is
 * usually a misspelt one.
 *
 * @param prefix stands before the name, as `cache.`
 */
export function unknownOptions(
  given: object,
  known: readonly string[],
  prefix = '',
): readonly string[] {
  return Object.keys(given)
    .filter((field) => !known.includes(field))
    .map((field) => `${prefix}${quoteName(field)} is not an option; there are ${known.join(', ')}`);
}

/** Throws `MISCONFIGURED` with a line for each field of `given` that is not one of the `known` options. */
export function assertKnownOptions(
  className: string,
  given: object,
  known: readonly string[],
): void {
  const problems = unknownOptions(given, known);
  if (problems.length === 0) return;
  const message = `The options of ${className} are wrong:\n${listed(problems)}`;
  throw new SecretManagerError('MISCONFIGURED', message, { operation: 'constructor' });
}

/** Returns the problems as the lines of a message. */
export function listed(problems: readonly string[]): string {
  return problems.map((problem) => `- ${problem}`).join('\n');
}
