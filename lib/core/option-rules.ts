import { SecretManagerError } from './secret-manager.error';
import { quoteName } from './secret-name';

/**
 * Returns a problem for each field of `given` that is not one of the `known` options. An option that nobody reads is most
 * often a misspelt one.
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
  const lines = problems.map((problem) => `- ${problem}`).join('\n');
  throw new SecretManagerError(
    'MISCONFIGURED',
    `The options of ${className} are wrong:\n${lines}`,
    { operation: 'constructor' },
  );
}
