import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { attempt } from '../../../core/errors/safe-access';
import { malformed, parseFields } from '../live-fields';
import { isSignedByPair, isSignedByText, type SignedToken } from './jwt-signature';

/** One key of JSON Web Tokens. */
export interface JwtKey {
  /** The name of the key in the header of a token. A key of HMAC has none. */
  readonly kid: string | undefined;
  /** Returns the key with which `jsonwebtoken` signs. Throws `MALFORMED` for a public key. */
  readonly signing: () => string;
  /** Returns the key with which `jsonwebtoken` verifies: the text of an HMAC, or the public key as PEM. */
  readonly verifying: () => string;
  /** Returns whether the key may have signed the token: `kid`, if both have one, and the signature. */
  readonly hasSigned: (token: SignedToken) => boolean;
}

const PEM = /-----BEGIN [A-Z0-9 ]+-----/;
const KEY_TYPES: readonly unknown[] = ['rsa', 'rsa-pss', 'ec'];

/** Returns the key of HMAC: the text as it is. Throws `MALFORMED` for an empty text, and for PEM and JWK. */
export function hmacKey(text: string, secretName: string): JwtKey {
  if (text === '') throw malformed(secretName, 'is empty');
  if (PEM.test(text) || isJwk(text)) {
    throw malformed(secretName, 'is a PEM or JWK, which signs with none of the HMAC `algorithms`');
  }
  return {
    kid: undefined,
    signing: () => text,
    verifying: () => text,
    hasSigned: (token) => isSignedByText(text, token),
  };
}

function isJwk(text: string): boolean {
  const parsed = text.trimStart().startsWith('{') && attempt<unknown>(() => JSON.parse(text));
  return typeof parsed === 'object' && parsed !== null && 'kty' in parsed;
}

/**
 * Returns the key of RSA or EC. The text is a PEM, a JWK, or JSON with a PEM as `key` and perhaps a `kid`. Without a
 * `kid` of its own, a key has the thumbprint of RFC 7638 as its `kid`.
 *
 * Throws `MALFORMED` for anything else.
 */
export function keyPair(text: string, secretName: string): JwtKey {
  const { input, kid } = readPair(text, secretName);
  const privateKey = keyOf(() => createPrivateKey(input));
  const publicKey = keyOf(() => createPublicKey(input)); // takes a private key, too
  if (publicKey === undefined || !KEY_TYPES.includes(publicKey.asymmetricKeyType)) {
    const forms = 'as PEM, as JWK, or as JSON with the fields key and kid, without a passphrase';
    throw malformed(secretName, `holds no key of RSA or EC: give it ${forms}`);
  }
  const ownKid = kid ?? thumbprintOf(publicKey);
  const publicPem = toPem(publicKey, 'spki');
  return {
    kid: ownKid,
    signing: () => {
      if (privateKey !== undefined) return toPem(privateKey, 'pkcs8');
      throw malformed(secretName, 'holds a public key, and only a private key signs');
    },
    verifying: () => publicPem,
    hasSigned: (token) => (token.kid ?? ownKid) === ownKid && isSignedByPair(publicKey, token),
  };
}

function keyOf(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    return undefined; // the error of Node may quote the key
  }
}

interface PairText {
  readonly input: string | { readonly key: JsonWebKey; readonly format: 'jwk' };
  readonly kid?: string;
}

function readPair(text: string, secretName: string): PairText {
  if (!text.trimStart().startsWith('{')) return { input: text };
  const fields = parseFields(text, secretName);
  const kid = fields.optionalText('kid') === undefined ? {} : { kid: fields.text('kid') };
  if (fields.optionalText('kty') === undefined) return { input: fields.text('key'), ...kid };
  return { input: { key: JSON.parse(text) as JsonWebKey, format: 'jwk' }, ...kid };
}

/** Returns a name that each instance computes from the key alone. */
function thumbprintOf(publicKey: KeyObject): string {
  const hash = createHash('sha256');
  // RFC 7638: the required members, in the order of the alphabet. Node exports no `rsa-pss` as JWK.
  if (publicKey.asymmetricKeyType === 'rsa-pss') hash.update(toPem(publicKey, 'spki'));
  else {
    const { crv, e, kty, n, x, y } = publicKey.export({ format: 'jwk' });
    hash.update(JSON.stringify({ crv, e, kty, n, x, y }));
  }
  return hash.digest('base64url');
}

function toPem(key: KeyObject, type: 'spki' | 'pkcs8'): string {
  return key.export({ type: type, format: 'pem' }).toString();
}
