import {
  constants,
  createHmac,
  createPublicKey,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto';

/** The algorithms of JSON Web Tokens that `jsonwebtoken` has, without `none`. */
export const JWT_ALGORITHMS = ['HS', 'RS', 'PS', 'ES'].flatMap((family) =>
  [256, 384, 512].map((bits) => `${family}${bits}`),
);

/** The parts of a signed token. Nothing in it is verified. */
export interface SignedToken {
  readonly algorithm: string;
  readonly content: string;
  readonly signature: Buffer;
}

/** Returns the parts of a token, or `undefined` for what is no signed token. */
export function parseToken(token: unknown): SignedToken | undefined {
  if (typeof token !== 'string') return undefined;
  const [header, payload, signature, ...others] = token.split('.');
  if (!header || payload === undefined || !signature || others.length > 0) return undefined;
  const algorithm = algorithmOf(header);
  if (algorithm === undefined) return undefined;
  const content = `${header}.${payload}`;
  return { algorithm, content, signature: Buffer.from(signature, 'base64url') };
}

function algorithmOf(header: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(header, 'base64url').toString());
    const algorithm: unknown = Object(parsed) === parsed && Reflect.get(parsed as object, 'alg');
    return typeof algorithm === 'string' ? algorithm : undefined;
  } catch {
    return undefined;
  }
}

/** Returns whether the token was signed with the key: the text of an HMAC, or a private or public key as PEM. */
export function isSignedWith(key: string, token: SignedToken): boolean {
  const { algorithm, content, signature } = token;
  const digest = `sha${algorithm.slice(2)}`;
  if (algorithm.startsWith('HS')) {
    const expected = createHmac(digest, key).update(content).digest();
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  }
  try {
    return verify(
      digest,
      Buffer.from(content),
      schemeOf(algorithm, createPublicKey(key)),
      signature,
    );
  } catch {
    return false; // a key of another kind
  }
}

function schemeOf(algorithm: string, key: KeyObject): Parameters<typeof verify>[2] {
  if (algorithm.startsWith('ES')) return { key, dsaEncoding: 'ieee-p1363' };
  if (algorithm.startsWith('RS')) return key;
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
  return { key, padding, saltLength };
}

/** Returns the key with which `jsonwebtoken` verifies: the text of an HMAC, or the public key as PEM. */
export function verificationKey(key: string, algorithm: string): string {
  if (algorithm.startsWith('HS')) return key;
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
}
