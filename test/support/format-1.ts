import { createCipheriv, createHmac, hkdfSync, randomBytes, scryptSync } from 'node:crypto';

const FORMAT = 'nestjs-custom-secret-manager/encrypted-file';

export interface SecretOfTest {
  readonly name: string;
  readonly version: string;
  readonly value: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly deletionAt?: string;
}

/** Returns a store of the first format, as written by the release before LMDB. */
export function storeOfFormat1(
  secret: { readonly key: Buffer } | { readonly passphrase: string },
  writes: number,
  secrets: readonly SecretOfTest[],
): string {
  const salt = randomBytes(32);
  const costs = { cost: 32_768, blockSize: 8, parallelization: 3 };
  const derived =
    'key' in secret
      ? Buffer.from(hkdfSync('sha256', secret.key, salt, FORMAT, 64))
      : scryptSync(secret.passphrase, salt, 64, { ...costs, maxmem: 2 ** 28 });
  const [sealing, authentication] = [derived.subarray(0, 32), derived.subarray(32)];
  const mac = (text: string): string =>
    createHmac('sha256', authentication).update(text).digest('base64');
  const derivation =
    'key' in secret
      ? { from: 'key', salt: salt.toString('base64') }
      : { from: 'passphrase', salt: salt.toString('base64'), ...costs };
  const keyCheck = mac(`key check ${JSON.stringify(derivation)}`);
  const head = { format: FORMAT, formatVersion: 1, derivation, keyCheck, writes };
  const records = secrets.map((one) => sealed(one, sealing));
  const lines = [head, ...records].map((line) => `${JSON.stringify(line)}\n`).join('');
  return `${lines}${JSON.stringify({ mac: mac(lines) })}\n`;
}

function sealed(secret: SecretOfTest, key: Buffer): object {
  const { name, version, createdAt, deletionAt, value, description, tags } = secret;
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(JSON.stringify([FORMAT, 1, name, version])));
  const content = JSON.stringify({ value, description, tags });
  const bytes = Buffer.concat([cipher.update(content, 'utf8'), cipher.final()]);
  return {
    name,
    version,
    createdAt,
    nonce: nonce.toString('base64'),
    sealed: bytes.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    deletionAt,
  };
}
