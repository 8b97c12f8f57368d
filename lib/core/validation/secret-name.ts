import { SecretManagerError, type OperationContext } from '../errors/secret-manager.error';
import { kindOf, quoteName } from '../errors/wording';

const MAX_LENGTH = 512;
const LITELLM_REFERENCE = 'os.environ/';
/** C0, C1, the two line separators, and half of a surrogate pair. Written out, because `\p{..}` costs 0.2 ms at import. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/u; // eslint-disable-line no-control-regex

const OUTER_QUOTE = /^["'`\u2018-\u201f\u00ab\u00bb]|["'`\u2018-\u201f\u00ab\u00bb]$/;

/** By code: what nearly every name is made of, and no rule is about. To look it up is quicker than a regular expression, which takes 1 us of a read. */
const IS_PLAIN: readonly (boolean | undefined)[] = Array.from({ length: 128 }, (_, code) =>
  /[\w~-]/.test(String.fromCharCode(code)),
);

/** What is wrong with a secret's name, as the end of a sentence; `undefined` if nothing is. */
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

/** Whether there is nothing to be done about a name, or a part of one: letters, digits, `_`, `-` and `~`, one at least. */
export function isPlain(name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    if (!IS_PLAIN[name.charCodeAt(at)]) return false;
  }
  return name !== '';
}

/**
 * The name by which the manager and the environment are asked: `os.environ/NAME`, LiteLLM's way to write a reference, is
 * the same secret as `NAME`. What is no string is left for {@link secretNameProblem} to refuse.
 */
export function canonicalSecretName(name: string): string {
  const isReference = typeof name === 'string' && name.startsWith(LITELLM_REFERENCE);
  return isReference ? name.slice(LITELLM_REFERENCE.length) : name;
}

/**
 * Returns what is wrong with a name that stands in a configuration. Beside what {@link secretNameProblem} finds, that is white
 * space or a quote at an end: the name would be another secret's, or nobody's, and nothing would tell.
 */
export function configuredNameProblem(given: unknown): string | undefined {
  const name = canonicalSecretName(given as string); // what is no string is a problem
  return secretNameProblem(name) ?? outerProblem(String(given)) ?? outerProblem(name);
}

function outerProblem(name: string): string | undefined {
  if (name.trim() !== name) return 'has white space at an end: trim it';
  return OUTER_QUOTE.test(name) ? 'has a quote at an end: take it off' : undefined;
}

/** Resolves a name that a caller gave, or throws `INVALID_ARGUMENT` before anything else happens. */
export function parseSecretName(given: unknown, context: OperationContext): string {
  const name = canonicalSecretName(given as string); // what is no string is a problem
  const problem = secretNameProblem(name);
  if (problem === undefined) return name;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `The secret name ${quoteName(given)} ${problem}. A name has 1 to ${MAX_LENGTH} characters, none of them \\, % or a ` +
      'control character, and no empty, "." or ".." part between slashes.',
    context,
  );
}

function segmentProblem(segments: readonly string[]): string | undefined {
  if (segments.includes('')) return 'has an empty part: a slash at an end, or two in a row';
  if (segments.includes('.') || segments.includes('..')) return 'has a "." or ".." part';
  return undefined;
}
