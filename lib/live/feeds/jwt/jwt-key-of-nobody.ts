import { createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

/**
 * Returns a key with which nobody signs, of the kind that the algorithm needs. With it the library for the tokens
 * gives its own error for a wrong signature.
 */
export function keyOfNobody(algorithm = 'HS256'): string {
  const namedCurve = CURVES[algorithm];
  if (namedCurve !== undefined) return toPem(generateKeyPairSync('ec', { namedCurve }).publicKey);
  if (/^[RP]S/.test(algorithm)) return toPem(rsaKeyOfNobody());
  return randomBytes(64).toString('base64');
}

/** Returns a public key whose modulus is a random number, so that no private key of it exists. */
function rsaKeyOfNobody(): KeyObject {
  const modulus = randomBytes(256);
  modulus.writeUInt8(modulus.readUInt8(0) | 0x80, 0); // of 2048 bits
  modulus.writeUInt8(modulus.readUInt8(255) | 1, 255); // odd
  const key = { kty: 'RSA', e: 'AQAB', n: modulus.toString('base64url') };
  return createPublicKey({ key, format: 'jwk' });
}

function toPem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}
