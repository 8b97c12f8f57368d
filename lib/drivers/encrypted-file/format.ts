import { createHmac, timingSafeEqual } from 'node:crypto';
import { isBearable, type Derivation, type StoreKeys } from './keyring';
import { malformed, misconfigured } from './problems';
import type { Place, SealedContent } from './sealing';

export const FORMAT = 'nestjs-custom-secret-manager/encrypted-file';
export const FORMAT_VERSION = 1;

/** One secret. Its name, version and times can be read by everybody, its content by nobody. */
export interface SecretRecord extends Place, SealedContent {
  readonly createdAt: string;
  /** When it is removed for good, if it was deleted. */
  readonly deletionAt?: string;
}

export interface StoreHead {
  readonly derivation: Derivation;
  /** How often the store was written. It counts the versions, so that none comes twice. */
  readonly writes: number;
  /** Made with the key, so that a wrong one is told from a damaged store. */
  readonly keyCheck: string;
}

/**
 * A store as text: its head, a line for each secret, and a last line that authenticates every byte before it, so that no
 * record can be changed, removed, or put back in an older version. Only a whole older file cannot be told from the store.
 */
export function encodeStore(
  { derivation, writes }: Omit<StoreHead, 'keyCheck'>,
  records: Iterable<SecretRecord>,
  keys: StoreKeys,
): Buffer {
  const keyCheck = checkOf(derivation, keys);
  const head = { format: FORMAT, formatVersion: FORMAT_VERSION, derivation, keyCheck, writes };
  const lines = [head, ...records].map((line) => `${JSON.stringify(line)}\n`).join('');
  return Buffer.from(`${lines}${macLineOf(lines, keys)}`);
}

/** Throws `MALFORMED` unless the text is a store, and `MISCONFIGURED` if a newer release of this package has made it. */
export function parseHead(content: Buffer): StoreHead {
  const end = content.indexOf('\n');
  const head = parseLine(content.subarray(0, Math.max(0, end)).toString('utf8'));
  if (head?.format !== FORMAT) {
    throw malformed(
      'The file is not a store of this kind, or its beginning was changed. It is left as it is; check the `path`.',
    );
  }
  if (head.formatVersion !== FORMAT_VERSION) {
    throw misconfigured(
      'The store was made by a newer release of this package. Update the package; the store is left as it is.',
    );
  }
  const { derivation, writes, keyCheck } = head;
  if (!isDerivation(derivation) || !Number.isSafeInteger(writes) || typeof keyCheck !== 'string') {
    throw damaged();
  }
  return { derivation, writes: Number(writes), keyCheck };
}

/** Throws `MISCONFIGURED` if the store was made with another key, and `MALFORMED` if a single byte is not as it was written. */
export function parseRecords(
  content: Buffer,
  { derivation, keyCheck }: StoreHead,
  keys: StoreKeys,
): ReadonlyMap<string, SecretRecord> {
  if (!isEqual(keyCheck, checkOf(derivation, keys))) {
    throw misconfigured(
      'The store was made with another key or passphrase, or its first line was changed. Give the one that it was made ' +
        'with; the store is left as it is.',
    );
  }
  const end = content.lastIndexOf('\n', content.length - 2) + 1;
  const lines = content.subarray(0, end);
  if (!isEqual(content.subarray(end), macLineOf(lines, keys))) throw damaged();
  const records = lines.toString('utf8').split('\n').slice(1, -1);
  return new Map(
    records.map((line) => {
      const record = JSON.parse(line) as SecretRecord; // the bytes are those that `encodeStore` has made
      return [record.name, record];
    }),
  );
}

function damaged(): Error {
  return malformed(
    'The store is damaged or was changed by somebody without its key. It is left as it is; restore it from a backup.',
  );
}

function checkOf(derivation: Derivation, keys: StoreKeys): string {
  return macOf(`key check ${JSON.stringify(derivation)}`, keys).toString('base64');
}

/** The last line of a store, which is compared as a whole: no byte of it may differ. */
function macLineOf(lines: string | Buffer, keys: StoreKeys): string {
  return `${JSON.stringify({ mac: macOf(lines, keys).toString('base64') })}\n`;
}

function macOf(content: string | Buffer, { authentication }: StoreKeys): Buffer {
  return createHmac('sha256', authentication).update(content).digest();
}

function isEqual(one: string | Buffer, other: string): boolean {
  const [a, b] = [typeof one === 'string' ? Buffer.from(one) : one, Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Constant text in place of what `JSON.parse` throws, which quotes. */
function parseLine(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null
      ? (parsed as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined; // the caller says what is wrong
  }
}

function isDerivation(given: unknown): given is Derivation {
  if (typeof given !== 'object' || given === null) return false;
  const derivation = given as Partial<Record<string, unknown>>;
  if (typeof derivation.salt !== 'string') return false;
  if (derivation.from === 'key') return true;
  const { cost, blockSize, parallelization } = derivation;
  const costs = [cost, blockSize, parallelization];
  return derivation.from === 'passphrase' && costs.every(Number.isSafeInteger)
    ? isBearable({
        cost: Number(cost),
        blockSize: Number(blockSize),
        parallelization: Number(parallelization),
      })
    : false;
}
