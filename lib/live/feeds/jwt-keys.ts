import { randomBytes } from 'node:crypto';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { unknownOptions } from '../../core/validation/option-rules';
import { JwtKeyRing } from './jwt-key-ring';
import {
  JWT_ALGORITHMS,
  isSignedWith,
  parseToken,
  verificationKey,
  type SignedToken,
} from './jwt-signature';
import { assertIsLiveValue, type LiveValue } from './live-value';

export interface JwtKeysOptions {
  /** The time for which a replaced key still verifies, in milliseconds. At least the life of a token. */
  readonly overlapMs: number;
  /**
   * The algorithms of accepted tokens: HMAC, or RSA and EC where the secret is a private key as PEM. Default:
   * `HS256`, `HS384` and `HS512`.
   */
  readonly algorithms?: readonly string[];
}

/** The `secretOrKeyProvider` of `@nestjs/jwt`; {@link JwtKeys.forPassport} is that of `passport-jwt`. */
export interface JwtKeys {
  (requestType: number, tokenOrPayload: unknown): string | Promise<string>;
  readonly forPassport: (
    request: unknown,
    token: unknown,
    done: (error: unknown, key?: string) => void,
  ) => void;
}

/** The value of `JwtSecretRequestType.SIGN` of `@nestjs/jwt`. */
const SIGN = 0;

const HMAC_ALGORITHMS = ['HS256', 'HS384', 'HS512'];

/**
 * Returns the keys of `@nestjs/jwt` and `passport-jwt`. New tokens are signed with the current key. A token is
 * verified with the current key, else with the last three that were replaced less than `overlapMs` ago.
 *
 * If none fits, the secret is read again, because another instance may have signed with a newer key: at most
 * three times a minute. This needs `verifyAsync`; `verify` fails for such a token.
 */
export function jwtKeys(secret: LiveValue, options: JwtKeysOptions): JwtKeys {
  assertIsLiveValue('jwtKeys', secret);
  const { overlapMs, algorithms = HMAC_ALGORITHMS, ...others } = options ?? {};
  const [unknown] = unknownOptions(others, ['overlapMs', 'algorithms']);
  if (unknown !== undefined) throw wrong(unknown);
  assertIsDuration(overlapMs);
  assertAreAlgorithms(algorithms);
  const ring = new JwtKeyRing(overlapMs);
  const takeCurrent = (): string => {
    const key = secret.reveal();
    ring.take(key);
    return key;
  };
  secret.onChange(() => void takeCurrent());
  void secret.get().then(takeCurrent, () => undefined); // a failure shows at the first use

  const verifyingKey = (given: unknown): string | Promise<string> => {
    const token = parseToken(given);
    if (token === undefined || !algorithms.includes(token.algorithm)) return keyOfNobody();
    takeCurrent();
    const key = ring.find((candidate) => isSignedWith(candidate, token));
    return key === undefined
      ? newerKey(secret, ring, token)
      : verificationKey(key, token.algorithm);
  };

  const provider = (requestType: number, tokenOrPayload: unknown): string | Promise<string> =>
    requestType === SIGN ? takeCurrent() : verifyingKey(tokenOrPayload);

  const forPassport: JwtKeys['forPassport'] = (_, token, done) => {
    const key = new Promise<string>((resolve) => resolve(verifyingKey(token)));
    key.then(
      (found) => done(null, found),
      (error: unknown) => done(error),
    );
  };

  return Object.assign(provider, { forPassport });
}

/** Resolves to the key of the token after one more read, or to a key that fits no token. */
async function newerKey(secret: LiveValue, ring: JwtKeyRing, token: SignedToken): Promise<string> {
  const misfit = new Error('The key does not fit.');
  const tryKey = (key: string): string => {
    ring.take(key);
    if (!isSignedWith(key, token)) throw misfit;
    return verificationKey(key, token.algorithm);
  };
  try {
    return await secret.use(tryKey, { isRejected: (error) => error === misfit });
  } catch (error) {
    if (error === misfit) return keyOfNobody();
    throw error;
  }
}

/** Returns a key with which nobody signs, so that the library for the tokens gives its own error. */
function keyOfNobody(): string {
  return randomBytes(64).toString('base64');
}

function assertIsDuration(overlapMs: unknown): void {
  if (typeof overlapMs === 'number' && Number.isFinite(overlapMs) && overlapMs >= 0) return;
  throw wrong('overlapMs must be a number of milliseconds, of at least 0');
}

function assertAreAlgorithms(algorithms: unknown): void {
  const known = Array.isArray(algorithms) && algorithms.length > 0 ? (algorithms as unknown[]) : [];
  const isKnown = (name: unknown): boolean => JWT_ALGORITHMS.includes(name as string);
  if (known.length === 0 || !known.every(isKnown)) {
    throw wrong(`algorithms must be a list of ${JWT_ALGORITHMS.join(', ')}`);
  }
  const hmacs = known.filter((name) => HMAC_ALGORITHMS.includes(name as string));
  if (hmacs.length > 0 && hmacs.length < known.length) {
    throw wrong('algorithms must not mix HMAC with others, because one key cannot serve both');
  }
}

function wrong(problem: string): SecretManagerError {
  return new SecretManagerError('INVALID_ARGUMENT', `jwtKeys(): ${problem}.`, {
    operation: 'jwtKeys',
  });
}
