/** The polynomial of Castagnoli, reflected. Node has the CRC-32 of zlib only, which is another one. */
const POLYNOMIAL = 0x82f63b78;

const TABLE: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  }
  return remainder;
});

/** Returns the CRC-32C of the bytes, from 0 to 2^32 - 1. */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    remainder = (remainder >>> 8) ^ (TABLE[(remainder ^ byte) & 0xff] ?? 0);
  }
  return (remainder ^ 0xffffffff) >>> 0;
}

/**
 * Returns whether bytes match the checksum that Google sent with them: a number, or its digits. A missing checksum
 * matches.
 */
export function matchesCrc32c(bytes: Uint8Array, checksum: unknown): boolean {
  if (checksum === undefined || checksum === null) return true;
  const actual = crc32c(bytes);
  return checksum === actual || checksum === String(actual);
}
