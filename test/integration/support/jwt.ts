import { generateKeyPairSync, sign } from 'node:crypto';

/** An issuer with its own key, which signs with ES256. */
export class JwtIssuer {
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  get publicKey(): string {
    return this.#keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  }

  /** Returns a token. It is valid for an hour by default. */
  issue(claims: Readonly<Record<string, unknown>>): string {
    const now = Math.floor(Date.now() / 1_000);
    const head = encode({ alg: 'ES256', typ: 'JWT' });
    const body = encode({ iat: now, exp: now + 3_600, ...claims });
    const key = { key: this.#keys.privateKey, dsaEncoding: 'ieee-p1363' as const };
    const signature = sign('sha256', Buffer.from(`${head}.${body}`), key);
    return `${head}.${body}.${signature.toString('base64url')}`;
  }
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
