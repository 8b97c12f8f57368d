import { createHmac, timingSafeEqual } from 'node:crypto';
import { misconfigured } from '../files/problems';
import { parseDerivation, type Derivation } from '../keys/derivation';
import type { StoreKeys } from '../keys/keyring';
import { Damage, ForeignPages } from '../pages/damage';
import { parseJson } from './bucket';
import { headPlace } from './places';
import { seal, tagOf, unseal } from './sealing';
import { Slots } from './slots';

const FORMAT_VERSION = 2;
const LINE_BREAK = 0x0a;
const COUNTER_BYTES = 8;

/** The part of a head that is not encrypted. */
export interface Header {
  /** The serialized header. The seal of the head is bound to it. */
  readonly text: string;
  readonly derivation: Derivation;
  /** A MAC that is made with the key. It tells a wrong key from damage. */
  readonly keyCheck: string;
}

/** The sealed part of a head: the root of all seals, and the number of changes. */
export interface Root {
  /** The number of changes. It is the version of the changed secret, so no version repeats. */
  readonly changes: number;
  readonly slots: Slots;
}

/** The root of a stored head. */
export interface StoredRoot extends Root {
  /** A number that identifies this head. A commit needs the stored head to have it still. */
  readonly token: number;
}

export function newHeader(derivation: Derivation, keys: StoreKeys): Header {
  const keyCheck = keyCheckOf(derivation, keys);
  const text = JSON.stringify({ formatVersion: FORMAT_VERSION, derivation, keyCheck });
  return { text, derivation, keyCheck };
}

export function encodeHead(
  { text }: Header,
  { changes, slots }: Root,
  keys: StoreKeys,
): { readonly bytes: Buffer; readonly token: number } {
  const counter = Buffer.alloc(COUNTER_BYTES);
  counter.writeDoubleBE(changes);
  const sealed = seal(keys.sealing, headPlace(text).binding, Buffer.concat([counter, slots.bytes]));
  return { bytes: Buffer.concat([Buffer.from(`${text}\n`), sealed]), token: tokenOf(sealed) };
}

/**
 * Parses the header of a head. Throws {@link Damage} if it is invalid, and {@link ForeignPages} for that of a newer
 * release.
 */
export function decodeHeader(head: Buffer): Header {
  const end = head.indexOf(LINE_BREAK);
  if (end < 0) throw new Damage();
  const text = head.subarray(0, end).toString('utf8');
  const { formatVersion, derivation, keyCheck } = fieldsOf(parseJson(head.subarray(0, end)));
  if (typeof formatVersion === 'number' && formatVersion > FORMAT_VERSION) throw new ForeignPages();
  if (formatVersion !== FORMAT_VERSION || typeof keyCheck !== 'string') throw new Damage();
  return { text, derivation: parseDerivation(derivation), keyCheck };
}

/** Decrypts the root of a head. Throws `MISCONFIGURED` for a wrong key, and {@link Damage} for a changed head. */
export function decodeRoot(head: Buffer, header: Header, keys: StoreKeys): StoredRoot {
  assertKey(header, keys);
  const sealed = head.subarray(head.indexOf(LINE_BREAK) + 1);
  const content = unseal(keys.sealing, headPlace(header.text).binding, sealed);
  return {
    changes: content.readDoubleBE(0),
    slots: new Slots(content.subarray(COUNTER_BYTES)),
    token: tokenOf(sealed),
  };
}

function tokenOf(sealed: Buffer): number {
  return tagOf(sealed).readUIntBE(0, 6); // 48 bits: LMDB's versions are floating point numbers
}

function assertKey({ derivation, keyCheck }: Header, keys: StoreKeys): void {
  const [given, expected] = [Buffer.from(keyCheck), Buffer.from(keyCheckOf(derivation, keys))];
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw misconfigured(
    'The store was made with another key or passphrase, or its head was changed. Give the one that it was made with; the ' +
      'store is left as it is.',
  );
}

function keyCheckOf(derivation: Derivation, { authentication }: StoreKeys): string {
  const check = createHmac('sha256', authentication);
  return check.update(`key check ${JSON.stringify(derivation)}`).digest('base64');
}

function fieldsOf(parsed: unknown): Readonly<Record<string, unknown>> {
  if (typeof parsed !== 'object' || parsed === null) throw new Damage();
  return parsed as Readonly<Record<string, unknown>>;
}
