import { fstatSync, readSync } from 'node:fs';
import { Damage } from './damage';
import { META_BYTES, PAGE_HEADER_BYTES, parseMeta, type Meta } from './meta';
import { Page, isPage, type PageValue } from './page';

const OVERFLOW = 0x04;
/** The largest depth of an LMDB tree. */
const MAX_DEPTH = 32;
/** The readings of the meta pages that may differ in a row. */
const READINGS_MAX = 100;
/** The version that lmdb-js stores before each value. A commit compares it. */
const VERSION_BYTES = 8;

/**
 * One state of an LMDB file: that of the last commit when it was opened.
 *
 * Reads pages without LMDB, with bounds checks and without memory mapping. A truncated or overwritten file cannot
 * crash the process. The reader takes no slot in LMDB's table of readers, where two containers may have the same
 * process id.
 */
export class PageFile {
  readonly meta: Meta;
  readonly #descriptor: number;
  readonly #pageCount: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
    this.meta = readMeta(descriptor);
    const { size } = fstatSync(descriptor); // after the meta page: another process may add pages meanwhile
    this.#pageCount = Math.floor(size / this.meta.pageSize);
  }

  /** Tells whether somebody has committed since the file was opened, so that pages may be reused. */
  hasNewCommit(): boolean {
    return readMeta(this.#descriptor).transaction !== this.meta.transaction;
  }

  /**
   * Returns the value of a key, or `undefined` if it is missing. Throws {@link Damage} for an invalid page on the
   * path.
   */
  find(key: Buffer): Buffer | undefined {
    return this.findStored(key)?.subarray(VERSION_BYTES);
  }

  /** Returns the version of a key, which a commit compares. */
  versionOf(key: Buffer): number | undefined {
    return this.findStored(key)?.readDoubleLE(0); // little-endian, like all numbers of the pages
  }

  private findStored(key: Buffer): Buffer | undefined {
    let number = this.meta.entries.root;
    if (number === undefined) return undefined;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const page = this.page(number);
      const { index, isFound } = page.search(key);
      if (!page.isBranch)
        return isFound ? withVersion(this.storedBytes(page.valueAt(index))) : undefined;
      number = page.childAt(Math.max(0, index));
    }
    throw new Damage();
  }

  page(number: number): Page {
    return new Page(this.bytesOf(number, this.meta.pageSize), number, this.meta.transaction);
  }

  /** Returns the bytes of a value. Throws {@link Damage} unless they lie where the entry says. */
  storedBytes(value: PageValue): Buffer {
    if ('bytes' in value) return value.bytes;
    const { firstPage, pages, size } = value;
    const header = this.bytesOf(firstPage, PAGE_HEADER_BYTES);
    const isItself = isPage(header, firstPage, this.meta.transaction);
    const isOverflow = header.readUInt16LE(18) === OVERFLOW && header.readUInt32LE(20) === pages;
    const fits = PAGE_HEADER_BYTES + size <= pages * this.meta.pageSize;
    const isInFile =
      firstPage + pages <= this.#pageCount && firstPage + pages <= this.meta.lastPage + 1;
    if (!isItself || !isOverflow || !fits || !isInFile) throw new Damage();
    return this.bytesOf(firstPage, size, PAGE_HEADER_BYTES);
  }

  private bytesOf(number: number, length: number, from = 0): Buffer {
    if (number < 2 || number > this.meta.lastPage || number >= this.#pageCount) throw new Damage();
    return readBytes(this.#descriptor, length, number * this.meta.pageSize + from);
  }
}

function withVersion(stored: Buffer): Buffer {
  if (stored.length < VERSION_BYTES) throw new Damage();
  return stored;
}

/**
 * Returns the newer meta page. Reads both pages until two readings agree: a commit may write one of them meanwhile, and
 * the system may return a mixture of its old and new bytes.
 */
function readMeta(descriptor: number): Meta {
  let pages = readMetaPages(descriptor);
  for (let reading = 1; reading < READINGS_MAX; reading++) {
    const before = pages;
    pages = readMetaPages(descriptor);
    if (pages.equals(before)) break;
  }
  const [first, second] = [parseMeta(pages), parseMeta(pages.subarray(META_BYTES))];
  if (second.pageSize !== first.pageSize) throw new Damage();
  return second.transaction > first.transaction ? second : first;
}

function readMetaPages(descriptor: number): Buffer {
  const first = readBytes(descriptor, META_BYTES, 0);
  return Buffer.concat([first, readBytes(descriptor, META_BYTES, parseMeta(first).pageSize)]);
}

function readBytes(descriptor: number, length: number, position: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  if (readSync(descriptor, bytes, 0, length, position) !== length) throw new Damage();
  return bytes;
}
