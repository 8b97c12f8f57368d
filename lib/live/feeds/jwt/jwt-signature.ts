import { constants, createHmac, timingSafeEqual, verify, type KeyObject } from 'node:crypto';

const FAMILIES = ['HS', 'RS', 'PS', 'ES'] as const;
const BITS = [256, 384, 512] as const;

/** An algorithm of JSON Web Tokens that `jsonwebtoken` has, without `none`. */
export type JwtAlgorithm = `${'HS' | 'RS' | 'PS' | 'ES'}${256 | 384 | 512}`;

export const JWT_ALGORITHMS: readonly JwtAlgorithm[] = FAMILIES.flatMap((family) =>
  BITS.map((bits) => `${family}${bits}` as const),
);

/** The parts of a signed token. Nothing in it is verified. */
export interface SignedToken {
  readonly algorithm: string;
  /** The name of the key, where the token names one. */
  readonly kid: string | undefined;
  readonly content: string;
  readonly signature: Buffer;
}

/** Returns the parts of a token, or `undefined` for what is no signed token. */
export function parseToken(token: unknown): SignedToken | undefined {
  if (typeof token !== 'string') return undefined;
  const [header, payload, signature, ...others] = token.split('.');
  if (!header || payload === undefined || !signature || others.length > 0) return undefined;
  const { alg, kid } = parseHeader(header);
  if (typeof alg !== 'string' || (kid !== undefined && typeof kid !== 'string')) return undefined;
  const content = `${header}.${payload}`;
  return { algorithm: alg, kid, content, signature: Buffer.from(signature, 'base64url') };
}

function parseHeader(header: string): { readonly alg?: unknown; readonly kid?: unknown } {
  try {
    return Object(JSON.parse(Buffer.from(header, 'base64url').toString())) as object;
  } catch {
    return {};
  }
}

export function isHmac(algorithm: string): boolean {
  return algorithm.startsWith('HS');
}

/** Returns whether the token was signed with the text, by an algorithm of HMAC. */
export function isSignedByText(key: string, token: SignedToken): boolean {
  const expected = createHmac(digestOf(token), key).update(token.content).digest();
  return expected.length === token.signature.length && timingSafeEqual(expected, token.signature);
}

/** Returns whether the token was signed with the private half of the key, by an algorithm of RSA or EC. */
export function isSignedByPair(key: KeyObject, token: SignedToken): boolean {
  try {
    const content = Buffer.from(token.content);
    return verify(digestOf(token), content, schemeOf(token.algorithm, key), token.signature);
  } catch {
    return false; // a key of another kind
  }
}

function digestOf({ algorithm }: SignedToken): string {
  return `sha${algorithm.slice(2)}`;
}

function schemeOf(algorithm: string, key: KeyObject): Parameters<typeof verify>[2] {
  if (algorithm.startsWith('ES')) return { key, dsaEncoding: 'ieee-p1363' };
  if (algorithm.startsWith('RS')) return key;
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
  return { key, padding, saltLength };
}
