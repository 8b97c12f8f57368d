import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { unknownOptions } from '../../../core/validation/option-rules';
import { JWT_ALGORITHMS, isHmac, type JwtAlgorithm } from './jwt-signature';

export interface JwtKeysOptions {
  /** The time for which a replaced key still verifies, in milliseconds. At least the life of a token. */
  readonly overlapMs: number;
  /**
   * The algorithms of accepted tokens: HMAC, or RSA and EC where the secret is a private key. Default: `HS256`,
   * `HS384` and `HS512`.
   */
  readonly algorithms?: readonly JwtAlgorithm[];
}

interface ReadJwtOptions {
  readonly overlapMs: number;
  readonly algorithms: readonly [JwtAlgorithm, ...JwtAlgorithm[]];
}

const HMAC_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const;

/** Returns the options with their defaults. Throws `INVALID_ARGUMENT` for wrong ones. */
export function readJwtOptions(options: JwtKeysOptions): ReadJwtOptions {
  const { overlapMs, algorithms = HMAC_ALGORITHMS, ...others } = options ?? {};
  const [unknown] = unknownOptions(others, ['overlapMs', 'algorithms']);
  if (unknown !== undefined) throw wrongJwtOption(unknown);
  assertIsDuration(overlapMs);
  return { overlapMs, algorithms: readAlgorithms(algorithms) };
}

function assertIsDuration(overlapMs: unknown): void {
  if (typeof overlapMs === 'number' && Number.isFinite(overlapMs) && overlapMs >= 0) return;
  throw wrongJwtOption('overlapMs must be a number of milliseconds, of at least 0');
}

function readAlgorithms(given: unknown): ReadJwtOptions['algorithms'] {
  const names: readonly unknown[] = Array.isArray(given) ? [...(given as unknown[])] : [];
  const known = JWT_ALGORITHMS.filter((name) => names.includes(name));
  const [first, ...others] = names as readonly JwtAlgorithm[];
  if (first === undefined || names.some((name) => !isAlgorithm(name))) {
    throw wrongJwtOption(`algorithms must be a list of ${JWT_ALGORITHMS.join(', ')}`);
  }
  const hmacs = known.filter(isHmac);
  if (hmacs.length > 0 && hmacs.length < known.length) {
    throw wrongJwtOption(
      'algorithms must not mix HMAC with others, because one key cannot serve both',
    );
  }
  return [first, ...others];
}

function isAlgorithm(name: unknown): boolean {
  return JWT_ALGORITHMS.some((algorithm) => algorithm === name);
}

export function wrongJwtOption(problem: string): SecretManagerError {
  return new SecretManagerError('INVALID_ARGUMENT', `jwtKeys(): ${problem}.`, {
    operation: 'jwtKeys',
  });
}
