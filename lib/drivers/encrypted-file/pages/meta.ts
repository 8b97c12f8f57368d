import { Damage, ForeignPages } from './damage';

/** LMDB's constants in every data file. */
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
/** The tree flags of a file that lmdb-js creates without a folder and with versions. */
const NO_FOLDER = 0x4000;
const INTEGER_KEYS = 0x08;
const VERSIONS = 0x100;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;

export const PAGE_HEADER_BYTES = 24;
export const META_BYTES = 168;
const SMALLEST_PAGE = 512;
const LARGEST_PAGE = 65_536;

/** One of the two meta pages of the file. Each commit overwrites the older one. */
export interface Meta {
  readonly pageSize: number;
  /** The number of the commit that wrote the page. */
  readonly transaction: bigint;
  readonly lastPage: number;
  readonly entries: Tree;
  readonly freePages: Tree;
}

/** One of the two B+ trees in a file. */
export interface Tree {
  /** The number of the first page, `undefined` for an empty tree. */
  readonly root: number | undefined;
  /** The number of levels. */
  readonly depth: number;
}

/**
 * Parses a meta page. Throws {@link Damage} for invalid bytes, and {@link ForeignPages} for another format version.
 */
export function parseMeta(bytes: Buffer): Meta {
  if (bytes.length < META_BYTES || bytes.readUInt32LE(24) !== MAGIC) throw new Damage();
  if ((bytes.readUInt32LE(28) & 0xffff) !== DATA_VERSION) throw new ForeignPages();
  const pageSize = bytes.readUInt32LE(48);
  const isPowerOfTwo = (pageSize & (pageSize - 1)) === 0;
  if (!isPowerOfTwo || pageSize < SMALLEST_PAGE || pageSize > LARGEST_PAGE) throw new Damage();
  const isEmpty = bytes.readBigUInt64LE(136) === NO_PAGE;
  const flags = bytes.readUInt16LE(100); // 0 before the first commit
  const areFlagsOurs =
    (bytes.readUInt16LE(52) & ~NO_FOLDER) === INTEGER_KEYS &&
    (flags === VERSIONS || (flags === 0 && isEmpty));
  if (!areFlagsOurs || bytes.readUInt32LE(96) !== 0) throw new Damage();
  return {
    pageSize,
    transaction: bytes.readBigUInt64LE(152),
    lastPage: toNumber(bytes.readBigUInt64LE(144)),
    freePages: parseTree(bytes, 48),
    entries: parseTree(bytes, 96),
  };
}

/** Converts a page number or a size of 64 bits. Throws {@link Damage} if it is too large. */
export function toNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Damage();
  return Number(value);
}

function parseTree(bytes: Buffer, start: number): Tree {
  const root = bytes.readBigUInt64LE(start + 40);
  const depth = bytes.readUInt16LE(start + 6);
  return { root: root === NO_PAGE ? undefined : toNumber(root), depth };
}
