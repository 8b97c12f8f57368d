import { Logger } from '@nestjs/common';
import { errorName } from '../../../core/errors/error-table';
import { quoteName } from '../../../core/errors/wording';
import { hmacKey, keyPair, type JwtKey } from './jwt-key';
import { keyOfNobody } from './jwt-key-of-nobody';
import { JwtKeyRing } from './jwt-key-ring';
import { readJwtOptions, wrongJwtOption, type JwtKeysOptions } from './jwt-keys-options';
import { isHmac, parseToken, type JwtAlgorithm, type SignedToken } from './jwt-signature';
import { malformed } from '../live-fields';
import { assertIsLiveValue, type LiveValue } from '../live-value';

/** The options for signing that name the key in each token. */
export interface JwtSignOptions {
  readonly algorithm: JwtAlgorithm;
  /** The `kid` of the current key. HMAC has none. */
  readonly keyid?: string;
}

/** The `secretOrKeyProvider` of `@nestjs/jwt`; {@link JwtKeys.forPassport} is that of `passport-jwt`. */
export interface JwtKeys {
  (requestType: number, tokenOrPayload: unknown): string | Promise<string>;
  readonly forPassport: (
    request: unknown,
    token: unknown,
    done: (error: unknown, key?: string) => void,
  ) => void;
  /**
   * Returns the `signOptions` of `@nestjs/jwt`: the given ones, with the first of the `algorithms`, and with the
   * `kid` of the current key as `keyid`. Throws `INVALID_ARGUMENT` for a `keyid` of your own.
   */
  readonly signOptions: <const Options extends object>(
    options?: Options,
  ) => Options & JwtSignOptions;
}

/** The value of `JwtSecretRequestType.SIGN` of `@nestjs/jwt`. */
const SIGN = 0;

/**
 * Returns the keys of `@nestjs/jwt` and `passport-jwt`. New tokens are signed with the current key. A token is
 * verified with the current key, else with the last three that were replaced less than `overlapMs` ago.
 *
 * A token of RSA or EC that has a `kid` is verified with the key of that `kid` only. Tokens without one, and those
 * of HMAC, are tried with each of these keys.
 *
 * If none fits, the secret is read again, because another instance may have signed with a newer key: at most
 * three times a minute. This needs `verifyAsync`; `verify` fails for such a token.
 */
export function jwtKeys(secret: LiveValue, options: JwtKeysOptions): JwtKeys {
  assertIsLiveValue('jwtKeys', secret);
  const { overlapMs, algorithms } = readJwtOptions(options);
  const [algorithm] = algorithms;
  const toKey = isHmac(algorithm) ? hmacKey : keyPair;
  const ring = new JwtKeyRing(overlapMs, (text) => toKey(text, secret.name));
  const take = (text: unknown): JwtKey => {
    if (typeof text !== 'string') throw malformed(secret.name, 'is no text');
    return ring.take(text);
  };
  const takeCurrent = (): JwtKey => take(secret.reveal());
  secret.onChange(() => void takeCurrent());
  void secret
    .get()
    .then(take)
    .catch(() => undefined); // a failure shows at the first use

  const verifyingKey = (given: unknown): string | Promise<string> => {
    const token = parseToken(given);
    if (token === undefined || !isOneOf(algorithms, token.algorithm)) return keyOfNobody();
    takeIfUsable(take, secret.reveal());
    const key = ring.find(({ hasSigned }) => hasSigned(token));
    return key?.verifying() ?? newerKey(secret, take, token);
  };

  const provider = (requestType: number, tokenOrPayload: unknown): string | Promise<string> =>
    requestType === SIGN ? takeCurrent().signing() : verifyingKey(tokenOrPayload);

  const forPassport: JwtKeys['forPassport'] = (_, token, done) => {
    let key: string | Promise<string>;
    try {
      key = verifyingKey(token);
    } catch (error) {
      return done(error);
    }
    if (typeof key === 'string') return done(null, key);
    key
      .then(
        (found) => done(null, found),
        (error: unknown) => done(error),
      )
      .catch((error: unknown) => warnOfCallback(secret, error)); // nobody else would get it
  };

  const signOptions: JwtKeys['signOptions'] = <Options extends object>(given?: Options) => {
    assertCanSign(given ?? {}, algorithms);
    const signing = { algorithm, ...given } as Options & JwtSignOptions;
    if (isHmac(algorithm)) return signing;
    return Object.defineProperty(signing, 'keyid', {
      enumerable: true, // `@nestjs/jwt` copies the options for each token, and so reads the `kid` of the moment
      get: () => takeCurrent().kid,
    });
  };

  return Object.assign(provider, { forPassport, signOptions });
}

function isOneOf(algorithms: readonly string[], algorithm: string): boolean {
  return algorithms.includes(algorithm);
}

/** Takes the text over. One that is no key leaves the keys that it replaced. */
function takeIfUsable(take: (text: unknown) => JwtKey, text: unknown): void {
  try {
    take(text);
  } catch {
    return; // the next read of the secret shows the error, if no other key fits
  }
}

/** Resolves to the key of the token after one more read, or to a key that fits no token. */
async function newerKey(
  secret: LiveValue,
  take: (text: unknown) => JwtKey,
  token: SignedToken,
): Promise<string> {
  const misfit = new Error('The key does not fit.');
  const tryKey = (text: unknown): string => {
    const key = take(text);
    if (!key.hasSigned(token)) throw misfit;
    return key.verifying();
  };
  try {
    return await secret.use(tryKey, { isRejected: () => true });
  } catch (error) {
    if (error === misfit) return keyOfNobody(token.algorithm);
    throw error;
  }
}

function warnOfCallback(secret: LiveValue, error: unknown): void {
  const what = `jwtKeys() of ${quoteName(secret.name)}: the callback of passport-jwt threw`;
  new Logger('SecretManager').warn(`${what} ${errorName(error) ?? 'an error'}.`);
}

function assertCanSign(given: object, algorithms: readonly string[]): void {
  const { keyid, algorithm }: { keyid?: unknown; algorithm?: unknown } = given;
  if (keyid !== undefined && !algorithms.every(isHmac)) {
    throw wrongJwtOption('keyid is the `kid` of the current key: leave it out of the signOptions');
  }
  if (algorithm === undefined || algorithms.some((name) => name === algorithm)) return;
  throw wrongJwtOption(`algorithm of the signOptions must be one of ${algorithms.join(', ')}`);
}
