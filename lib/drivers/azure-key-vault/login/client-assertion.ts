import { constants, createHash, randomUUID, sign, X509Certificate } from 'node:crypto';

const VALID_FOR_SECONDS = 600;

export interface AssertionOptions {
  /** PEM. */
  readonly certificate: string;
  /** PEM of an RSA key. */
  readonly privateKey: string;
  readonly clientId: string;
  /** The URL that the assertion is sent to. */
  readonly audience: string;
}

/** Returns a JWT that proves the possession of the private key (PS256), valid for ten minutes. */
export function clientAssertion(options: AssertionOptions): string {
  const { certificate, privateKey, clientId, audience } = options;
  const thumbprint = createHash('sha256').update(new X509Certificate(certificate).raw);
  const now = Math.floor(Date.now() / 1_000);
  const header = { alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint.digest('base64url') };
  const claims = { aud: audience, iss: clientId, sub: clientId, jti: randomUUID() };
  const times = { nbf: now, exp: now + VALID_FOR_SECONDS };
  const content = [header, { ...claims, ...times }].map(encoded).join('.');
  const signature = sign('sha256', Buffer.from(content), {
    key: privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  });
  return `${content}.${signature.toString('base64url')}`;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
