import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { misconfigured } from '../files/problems';
import { parseDerivation, type Derivation } from '../keys/derivation';
import type { StoreKeys } from '../keys/keyring';
import { Damage } from '../pages/damage';
import type { SecretContent } from '../seals/sealed-tree';

const FORMAT = 'nestjs-custom-secret-manager/encrypted-file';
const FORMAT_VERSION = 1;
const BEGINNING = `{"format":"${FORMAT}"`;
const AUTH_TAG_BYTES = 16;

/** A store of the first format. Its lines are JSON: a head, a line per secret, and a MAC of all bytes before it. */
export interface Format1 {
  readonly writes: number;
  readonly secrets: readonly SecretOfFormat1[];
}

export interface SecretOfFormat1 {
  readonly name: string;
  readonly version: number;
  readonly content: SecretContent;
  readonly deletionAt?: number;
}

interface Head {
  readonly formatVersion: unknown;
  readonly derivation: unknown;
  readonly keyCheck: unknown;
  readonly writes: number;
}

interface Row {
  readonly name: string;
  readonly version: string;
  readonly createdAt: string;
  readonly deletionAt?: string;
  readonly nonce: string;
  readonly sealed: string;
  readonly tag: string;
}

/** Tells whether the first bytes of a file are those of the first format. */
export function isOfFormat1(beginning: Buffer): boolean {
  return beginning.subarray(0, BEGINNING.length).equals(Buffer.from(BEGINNING));
}

/** Returns the derivation of the store's keys. Throws {@link Damage} if the content does not begin as this format. */
export function derivationOfFormat1(content: Buffer): Derivation {
  const { formatVersion, derivation } = headOf(content);
  if (formatVersion !== FORMAT_VERSION) throw new Damage();
  return parseDerivation(derivation);
}

/** Parses the content. Throws `MISCONFIGURED` for a wrong key, and {@link Damage} if a single byte was changed. */
export function parseFormat1(content: Buffer, derivation: Derivation, keys: StoreKeys): Format1 {
  const { keyCheck, writes } = headOf(content);
  const check = macOf(`key check ${JSON.stringify(derivation)}`, keys);
  if (!isEqual(Buffer.from(String(keyCheck)), check)) {
    throw misconfigured(
      'The store was made with another key or passphrase, or its first line was changed. Give the one that it was made ' +
        'with; the store is left as it is.',
    );
  }
  const end = content.lastIndexOf('\n', content.length - 2) + 1;
  const lines = content.subarray(0, end);
  const macLine = `${JSON.stringify({ mac: macOf(lines, keys) })}\n`;
  if (!isEqual(content.subarray(end), macLine)) throw new Damage();
  const rows = lines.toString('utf8').split('\n').slice(1, -1);
  return { writes, secrets: rows.map((row) => toSecret(JSON.parse(row) as Row, keys)) }; // the MAC proves who wrote the bytes
}

function toSecret(row: Row, { sealing }: StoreKeys): SecretOfFormat1 {
  const { name, version, createdAt, deletionAt } = row;
  const nonce = Buffer.from(row.nonce, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', sealing, nonce, {
    authTagLength: AUTH_TAG_BYTES,
  });
  decipher.setAAD(Buffer.from(JSON.stringify([FORMAT, FORMAT_VERSION, name, version])));
  decipher.setAuthTag(Buffer.from(row.tag, 'base64'));
  const sealed = Buffer.from(row.sealed, 'base64');
  const text = Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
  const content = { ...(JSON.parse(text) as Omit<SecretContent, 'createdAt'>), createdAt };
  const isDeleted = deletionAt !== undefined;
  return {
    name,
    version: Number(version),
    content,
    ...(isDeleted && { deletionAt: Date.parse(deletionAt) }),
  };
}

function headOf(content: Buffer): Head {
  try {
    const line = content.subarray(0, Math.max(0, content.indexOf('\n'))).toString('utf8');
    return JSON.parse(line) as Head; // each field is checked before it is used
  } catch {
    throw new Damage();
  }
}

function macOf(content: string | Buffer, { authentication }: StoreKeys): string {
  return createHmac('sha256', authentication).update(content).digest('base64');
}

function isEqual(one: Buffer, other: string): boolean {
  const expected = Buffer.from(other);
  return one.length === expected.length && timingSafeEqual(one, expected);
}
