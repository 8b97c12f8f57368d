import { Damage } from './damage';
import { PAGE_HEADER_BYTES, toNumber } from './meta';

const BRANCH = 0x01;
const LEAF = 0x02;
const NODE_HEADER_BYTES = 8;
const POINTER_BYTES = 2;

const ON_OTHER_PAGES = 0x01;
const OVERFLOW_NODE_BYTES = 24;

/** The value of an entry: its bytes, or the pages that hold them. */
export type PageValue =
  | { readonly bytes: Buffer }
  | { readonly size: number; readonly firstPage: number; readonly pages: number };

/**
 * Tells whether a page has the number and is not newer than the transaction. LMDB would treat a newer page as its own.
 */
export function isPage(header: Buffer, number: number, transaction: bigint): boolean {
  return (
    header.readBigUInt64LE(0) === BigInt(number) &&
    header.readBigUInt64LE(8) <= transaction &&
    header.readUInt16LE(16) === 0
  );
}

/** A page of LMDB's B+ tree. Every offset is checked against the page's bounds before it is used. */
export class Page {
  readonly isBranch: boolean;
  /** The number of nodes in the page. */
  readonly count: number;
  readonly #bytes: Buffer;

  /** Throws `Damage` unless the page has the `number`, is not newer than the `transaction`, and can be one of a tree. */
  constructor(bytes: Buffer, number: number, transaction: bigint) {
    this.#bytes = bytes;
    const flags = bytes.readUInt16LE(18);
    const lower = bytes.readUInt16LE(20);
    this.isBranch = flags === BRANCH;
    this.count = lower / POINTER_BYTES;
    const hasBounds = PAGE_HEADER_BYTES + lower <= bytes.length && Number.isInteger(this.count);
    const isOfTree = flags === BRANCH || flags === LEAF;
    const isEmptyBranch = this.isBranch && this.count === 0;
    const isItself = isPage(bytes, number, transaction);
    if (!hasBounds || !isOfTree || isEmptyBranch || !isItself) throw new Damage();
  }

  keyAt(index: number): Buffer {
    const node = this.nodeAt(index);
    const start = node + NODE_HEADER_BYTES;
    return this.slice(start, this.#bytes.readUInt16LE(node + 6));
  }

  /** Returns the number of the page below a branch node. */
  childAt(index: number): number {
    const node = this.nodeAt(index);
    const low = this.#bytes.readUInt32LE(node);
    return low + this.#bytes.readUInt16LE(node + 4) * 2 ** 32;
  }

  valueAt(index: number): PageValue {
    const node = this.nodeAt(index);
    const size = this.#bytes.readUInt32LE(node);
    const flags = this.#bytes.readUInt16LE(node + 4);
    const start = node + NODE_HEADER_BYTES + this.#bytes.readUInt16LE(node + 6);
    if (flags === 0) return { bytes: this.slice(start, size) };
    if (flags !== ON_OTHER_PAGES) throw new Damage();
    const place = this.slice(start, OVERFLOW_NODE_BYTES);
    return {
      size,
      firstPage: toNumber(place.readBigUInt64LE(0)),
      pages: toNumber(place.readBigUInt64LE(16)),
    };
  }

  /** Returns the index of a key, or of the last key before it: -1 if all keys come later. */
  search(key: Buffer): { readonly index: number; readonly isFound: boolean } {
    let low = this.isBranch ? 1 : 0; // the first node of a branch stands for every key before the second
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const order = Buffer.compare(this.keyAt(middle), key);
      if (order === 0) return { index: middle, isFound: true };
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return { index: high, isFound: false };
  }

  private nodeAt(index: number): number {
    const pointer = PAGE_HEADER_BYTES + index * POINTER_BYTES;
    const node = PAGE_HEADER_BYTES + this.#bytes.readUInt16LE(pointer);
    const isAfterPointers = node >= PAGE_HEADER_BYTES + this.count * POINTER_BYTES;
    if (!isAfterPointers || node + NODE_HEADER_BYTES > this.#bytes.length) throw new Damage();
    return node;
  }

  private slice(start: number, length: number): Buffer {
    if (start + length > this.#bytes.length) throw new Damage();
    return this.#bytes.subarray(start, start + length);
  }
}
