import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { quoteName } from '../../core/errors/wording';
import { FORMAT, FORMAT_VERSION } from './format';
import { malformed } from './problems';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a record keeps from view. */
export interface SecretContent {
  readonly value: string;
  readonly description?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface SealedContent {
  readonly nonce: string;
  readonly sealed: string;
  readonly tag: string;
}

/** Which record a content belongs to: in another one it cannot be unsealed. */
export interface Place {
  readonly name: string;
  readonly version: string;
}

/** Seals with a nonce of its own. */
export function seal(key: Buffer, place: Place, content: SecretContent): SealedContent {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(place));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()]);
  return {
    nonce: nonce.toString('base64'),
    sealed: sealed.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
  };
}

export function unseal(key: Buffer, record: Place & SealedContent): SecretContent {
  try {
    const nonce = Buffer.from(record.nonce, 'base64');
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associatedData(record));
    decipher.setAuthTag(Buffer.from(record.tag, 'base64'));
    const sealed = Buffer.from(record.sealed, 'base64');
    const text = Buffer.concat([decipher.update(sealed), decipher.final()]).toString('utf8');
    return JSON.parse(text) as SecretContent; // nobody but `seal` can have made it
  } catch {
    throw malformed(`The record of ${quoteName(record.name)} cannot be unsealed: it was changed.`);
  }
}

function associatedData({ name, version }: Place): Buffer {
  return Buffer.from(JSON.stringify([FORMAT, FORMAT_VERSION, name, version]));
}
