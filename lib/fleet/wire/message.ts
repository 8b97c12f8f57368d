import { timingSafeEqual } from 'node:crypto';
import { DIGEST_BYTES, MAC_BYTES, type FleetKey } from './fleet-key';

/** The version of the format. A receiver drops messages of another version. */
const FORMAT = 1;
export const MAX_MESSAGE_BYTES = 4_096;

const KINDS = ['changed', 'revoked', 'heartbeat'] as const;
const ALL_NAMES = 0xffff;
/** Stands for a longer time than the field holds, and for "never". */
const LONG_AGO = 0xffff_ffff;

/** The offsets of the fields. The names follow the header, and the MAC follows the names. */
const AT = {
  format: 0,
  fleet: 1,
  origin: 17,
  sequence: 33,
  time: 39,
  quiet: 45,
  kind: 49,
  count: 50,
  names: 52,
} as const;

const ENTRY_BYTES = 2 * DIGEST_BYTES;
const MIN_BYTES = AT.names + MAC_BYTES;
const NO_VERSION = Buffer.alloc(DIGEST_BYTES);

/** The largest number of names in one message. */
export const MAX_NAMES = Math.floor((MAX_MESSAGE_BYTES - MIN_BYTES) / ENTRY_BYTES);

/** The digests of a name and of its new version, which an all-zero digest leaves open. */
export interface MessageEntry {
  readonly name: Buffer;
  readonly version: Buffer | undefined;
}

/** One message among the instances of a fleet. It holds no value and no name. */
export interface FleetMessage {
  readonly kind: (typeof KINDS)[number];
  /** The digest of the fleet's id. */
  readonly fleet: Buffer;
  /** 16 random bytes of the sender's start, as text. */
  readonly origin: string;
  /** The number of the announcement. A heartbeat repeats the last one. */
  readonly sequence: number;
  /** The wall clock of the sender, in milliseconds. */
  readonly time: number;
  /** The time since the sender's announcement before, in milliseconds; `Infinity` for a long time. */
  readonly quietMs: number;
  readonly entries: readonly MessageEntry[] | 'all';
}

export function encodeMessage(message: FleetMessage, key: FleetKey): Buffer {
  const { kind, fleet, origin, sequence, time, quietMs, entries } = message;
  const names = entries === 'all' ? [] : entries;
  const bytes = Buffer.alloc(MIN_BYTES + names.length * ENTRY_BYTES);
  bytes.writeUInt8(FORMAT, AT.format);
  fleet.copy(bytes, AT.fleet);
  bytes.write(origin, AT.origin, DIGEST_BYTES, 'latin1');
  bytes.writeUIntBE(sequence, AT.sequence, 6);
  bytes.writeUIntBE(Math.max(0, Math.trunc(time)), AT.time, 6);
  bytes.writeUInt32BE(Math.trunc(Math.min(quietMs, LONG_AGO)), AT.quiet);
  bytes.writeUInt8(KINDS.indexOf(kind), AT.kind);
  bytes.writeUInt16BE(entries === 'all' ? ALL_NAMES : names.length, AT.count);
  names.forEach(({ name, version = NO_VERSION }, index) => {
    const at = AT.names + index * ENTRY_BYTES;
    name.copy(bytes, at);
    version.copy(bytes, at + DIGEST_BYTES);
  });
  const signed = bytes.subarray(0, -MAC_BYTES);
  key.macOf(signed).copy(bytes, signed.length);
  return bytes;
}

/** Returns whether bytes may be a message of the fleet. Checks neither the MAC nor the fields behind the fleet. */
export function isOfFleet(bytes: Uint8Array, fleet: Buffer): boolean {
  if (bytes.length < MIN_BYTES || bytes.length > MAX_MESSAGE_BYTES) return false;
  return bytes[AT.format] === FORMAT && fleet.equals(bytes.subarray(AT.fleet, AT.origin));
}

/** Returns whether the sender of the bytes has the key. */
export function isAuthentic(bytes: Uint8Array, key: FleetKey): boolean {
  const signed = bytes.subarray(0, bytes.length - MAC_BYTES);
  return timingSafeEqual(key.macOf(signed), bytes.subarray(signed.length));
}

/** Returns the message of authentic bytes, or `undefined` if they do not follow the format. */
export function decodeMessage(given: Uint8Array): FleetMessage | undefined {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  const kind = KINDS[bytes.readUInt8(AT.kind)];
  const count = bytes.readUInt16BE(AT.count);
  const names = count === ALL_NAMES ? 0 : count;
  if (kind === undefined || bytes.length !== MIN_BYTES + names * ENTRY_BYTES) return undefined;
  const quietMs = bytes.readUInt32BE(AT.quiet);
  return {
    kind,
    fleet: bytes.subarray(AT.fleet, AT.origin),
    origin: bytes.toString('latin1', AT.origin, AT.sequence),
    sequence: bytes.readUIntBE(AT.sequence, 6),
    time: bytes.readUIntBE(AT.time, 6),
    quietMs: quietMs === LONG_AGO ? Infinity : quietMs,
    entries:
      count === ALL_NAMES ? 'all' : Array.from({ length: names }, (_, at) => entry(bytes, at)),
  };
}

function entry(bytes: Buffer, index: number): MessageEntry {
  const at = AT.names + index * ENTRY_BYTES;
  const version = bytes.subarray(at + DIGEST_BYTES, at + ENTRY_BYTES);
  return {
    name: bytes.subarray(at, at + DIGEST_BYTES),
    version: version.equals(NO_VERSION) ? undefined : version,
  };
}
