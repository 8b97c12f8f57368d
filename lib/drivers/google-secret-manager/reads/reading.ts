import type { SecretReading } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { encodeBytes, type Encoding } from '../../../core/validation/encoding';
import { matchesCrc32c } from '../../google/crc32c';
import { isObject, jsonOf, type HttpAnswer } from '../../http/wire/http-request';
import { secretError } from '../api/errors';
import { versionIn, type SecretCall } from '../api/secrets-api';

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/**
 * Returns the value in an answer, with the number of its version. Throws `MALFORMED` if the checksum does not match
 * the bytes, if they are no UTF-8, or if the answer is about another secret.
 */
export function readingOf(
  answer: HttpAnswer,
  { id, secretName }: SecretCall,
  encoding: Encoding,
): SecretReading {
  const version = versionIn(answer, id);
  const payload = jsonOf(answer)?.payload;
  const data = isObject(payload) ? payload.data : undefined;
  if (version === undefined || !isObject(payload) || !isBase64(data)) {
    throw secretError(answer, `Reading ${quoteName(secretName)}`, 'secretAccessor');
  }
  const bytes = Buffer.from(data, 'base64');
  if (!matchesCrc32c(bytes, payload.dataCrc32c)) throw damaged(secretName);
  return { value: encodeBytes(bytes, encoding, secretName), version };
}

function isBase64(data: unknown): data is string {
  return typeof data === 'string' && BASE64.test(data);
}

function damaged(secretName: string): SecretManagerError {
  return new SecretManagerError(
    'MALFORMED',
    `The checksum (CRC32C) of ${quoteName(secretName)} does not match its bytes: they were damaged on the way. Read it again.`,
    { secretName },
  );
}
