import {
  SecretManagerError,
  type OperationContext,
  type SecretManagerErrorContext,
} from '../errors/secret-manager.error';
import { kindOf, quoteName } from '../errors/wording';

const MAX_LENGTH = 512;
const LITELLM_REFERENCE = 'os.environ/';
/**
 * The control characters C0 and C1, the two line separators, and half of a surrogate pair. `\p{..}` would cost
 * 0.2 ms at import.
 */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/u; // eslint-disable-line no-control-regex

const OUTER_QUOTE = /^["'`\u2018-\u201f\u00ab\u00bb]|["'`\u2018-\u201f\u00ab\u00bb]$/;

/**
 * The characters that need no check, by their code. Looking them up is faster than a regular expression, which
 * takes 1 µs of a read.
 */
const IS_PLAIN: readonly (boolean | undefined)[] = Array.from({ length: 128 }, (_, code) =>
  /[\w~-]/.test(String.fromCharCode(code)),
);

/** Returns the problem of a secret's name as the end of a sentence, or `undefined`. */
export function secretNameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string') return `must be a string, and is ${kindOf(name)}`;
  if (name.length <= MAX_LENGTH && isPlain(name)) return undefined;
  if (name === '') return 'is empty';
  if (name.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  if (UNPRINTABLE.test(name)) return 'has a control character or half of a surrogate pair';
  if (name.includes('\\')) return 'has a backslash';
  if (name.includes('%')) return 'has a percent sign';
  return segmentProblem(name.split('/'));
}

/** Returns whether a name, or a part of one, consists of letters, digits, `_`, `-` and `~`, at least one. */
export function isPlain(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    if (!IS_PLAIN[name.charCodeAt(at)]) return false;
  }
  return name !== '';
}

/**
 * Returns the name for which the manager and the environment are asked. `os.environ/NAME`, LiteLLM's form of a
 * reference, is the same secret as `NAME`. A value that is no string is returned unchanged, and {@link
 * secretNameProblem} rejects it.
 */
export function canonicalSecretName(name: string): string {
  const isReference = typeof name === 'string' && name.startsWith(LITELLM_REFERENCE);
  return isReference ? name.slice(LITELLM_REFERENCE.length) : name;
}

/**
 * Returns the problem of a name in a configuration, after the quoted name. Beside those of {@link secretNameProblem}, white space or a
 * quote at an end is one. Such a name would silently be another secret's, or missing.
 */
export function configuredNameProblem(given: unknown, shown = given): string | undefined {
  const name = canonicalSecretName(given as string); // the check rejects what is no string
  const problem = secretNameProblem(name) ?? outerProblem(String(given)) ?? outerProblem(name);
  return problem && `(${quoteName(shown)}) ${problem}`;
}

function outerProblem(name: string): string | undefined {
  if (name.trim() !== name) return 'has white space at an end: trim it';
  return OUTER_QUOTE.test(name) ? 'has a quote at an end: take it off' : undefined;
}

/** Returns the canonical form of a name that a caller gave. Throws `INVALID_ARGUMENT` for a wrong one. */
export function parseSecretName(given: unknown, context: OperationContext): string {
  const name = canonicalSecretName(given as string); // the check rejects what is no string
  assertSecretName(name, context, given);
  return name;
}

/**
 * Throws `INVALID_ARGUMENT` for a name that no secret can have. The pipeline has checked every name. A manager that is
 * called without it checks the name itself.
 *
 * @param shown the name in the message
 */
export function assertSecretName(
  name: unknown,
  context?: SecretManagerErrorContext,
  shown = name,
): asserts name is string {
  const problem = secretNameProblem(name);
  if (problem === undefined) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `The secret name ${quoteName(shown)} ${problem}. A name has 1 to ${MAX_LENGTH} characters, none of them \\, % or a ` +
      'control character, and no empty, "." or ".." part between slashes.',
    context,
  );
}

function segmentProblem(segments: readonly string[]): string | undefined {
  if (segments.includes('')) return 'has an empty part: a slash at an end, or two in a row';
  if (segments.includes('.') || segments.includes('..')) return 'has a "." or ".." part';
  return undefined;
}
