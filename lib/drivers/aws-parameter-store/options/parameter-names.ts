import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { secretNameProblem } from '../../../core/validation/secret-name';

const MAX_LEVELS = 15;
/** The limit of 1 011 characters counts the ARN, which has 45 characters before the name, or a few more. */
const MAX_LENGTH = 966;
const RESERVED = /^(aws|ssm)$/i;

/** Turns the names of secrets into those of parameters. */
export class ParameterNames {
  readonly #prefix: string;

  /** @param pathPrefix `/payments/production`, with or without the slashes at its ends */
  constructor(pathPrefix: unknown = '') {
    this.#prefix = typeof pathPrefix === 'string' ? trimSlashes(pathPrefix) : '';
  }

  /**
   * Returns the name of a parameter. A name with a slash inside begins with a slash, because AWS demands it. Throws
   * `INVALID_ARGUMENT` for a name that no parameter can have.
   */
  parameterOf(secretName: string): string {
    const problem = this.problemOf(secretName);
    if (problem === undefined) return qualified(this.pathOf(secretName));
    throw new SecretManagerError(
      'INVALID_ARGUMENT',
      `The secret name ${quoteName(secretName)} ${problem}.`,
      { secretName },
    );
  }

  /** Returns why no parameter can have this name, as the end of a sentence, or `undefined`. */
  problemOf(secretName: unknown): string | undefined {
    if (typeof secretName !== 'string') return secretNameProblem(secretName);
    if (secretName.startsWith('/')) return 'begins with a slash. Leave it out: the driver adds it';
    return secretNameProblem(secretName) ?? pathProblem(this.pathOf(secretName));
  }

  /** Returns a sentence for each name that no parameter can have. */
  problemsOf(secretNames: readonly string[]): string[] {
    return secretNames.flatMap((name) => {
      const problem = this.problemOf(name);
      return problem === undefined ? [] : [`The secret name ${quoteName(name)} ${problem}.`];
    });
  }

  private pathOf(secretName: string): string {
    return this.#prefix === '' ? secretName : `${this.#prefix}/${secretName}`;
  }
}

/** Returns the problem of the option `pathPrefix`, as the end of a sentence. */
export function pathPrefixProblem(given: string): string | undefined {
  const path = trimSlashes(given);
  if (path === '') return 'is empty: leave it out, or give it as "/payments/production"';
  if (levelsOf(path) >= MAX_LEVELS)
    return `has ${MAX_LEVELS} levels or more, and leaves none for a name`;
  return segmentProblem(path) ?? pathProblem(path);
}

/** Returns the name without its first slash. AWS takes `/NAME` and `NAME` for the same parameter. */
export function withoutFirstSlash(name: string): string {
  return name.startsWith('/') ? name.slice(1) : name;
}

function pathProblem(path: string): string | undefined {
  if (path.includes(':')) {
    return 'has a ":", which AWS takes for a version or a label. Ask for these with `params`: `version` or `label`';
  }
  if (!/^[\w./-]+$/.test(path)) {
    return 'has a character that AWS does not allow in a parameter. It allows ASCII letters, digits and _ . - /';
  }
  if (RESERVED.test(path.split('/', 1)[0] ?? '')) {
    return 'begins with "aws" or "ssm", which AWS keeps for itself. Choose another first part, or set `pathPrefix`';
  }
  const levels = levelsOf(path);
  if (levels > MAX_LEVELS) return `has ${levels} levels, and AWS allows ${MAX_LEVELS}`;
  if (path.length > MAX_LENGTH) {
    return `is too long: with \`pathPrefix\` it has ${path.length} characters, and AWS allows ${MAX_LENGTH}`;
  }
  return undefined;
}

function segmentProblem(path: string): string | undefined {
  const segments = path.split('/');
  if (segments.includes('')) return 'has an empty part: two slashes in a row';
  return segments.some((segment) => /^\.\.?$/.test(segment)) ? 'has a "." or ".." part' : undefined;
}

function qualified(path: string): string {
  return path.includes('/') ? `/${path}` : path;
}

function levelsOf(path: string): number {
  return path.split('/').length;
}

function trimSlashes(path: string): string {
  return path.replace(/^\/|\/$/g, '');
}
