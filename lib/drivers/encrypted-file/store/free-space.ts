import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { PageFile } from '../pages/page-file';
import type { SealedChanges } from './draft';

const CHUNK_BYTES = 2 ** 20;
/** The most bytes of an entry besides its key and value. */
const ENTRY_BYTES = 64;
/** The pages for the list of free pages, and for new levels of the trees. */
const OVERHEAD_PAGES = 8;
/** The pages that a commit with values reserves, so that secrets can still be deleted on a full disk. */
const RESERVED_PAGES = 24;
const RECORD = 'r'.charCodeAt(0);

/**
 * Extends the file by the blocks that a commit may need. Throws the error of the disk. Without it, a commit on a full
 * disk makes LMDB corrupt the memory of the process. Must run under LMDB's lock: another process might write there.
 */
export function makeRoom(path: string, changes: SealedChanges): void {
  const descriptor = openSync(path, 'r+');
  try {
    const missing = missingBytes(descriptor, changes);
    if (missing > 0) grow(descriptor, missing);
  } finally {
    closeSync(descriptor);
  }
}

function missingBytes(descriptor: number, changes: SealedChanges): number {
  const { pageSize, lastPage } = new PageFile(descriptor).meta;
  const pages = lastPage + 1 + newPages(changes, pageSize, lastPage + 1);
  return pages * pageSize - fstatSync(descriptor).size;
}

function newPages({ head, puts }: SealedChanges, pageSize: number, oldPages: number): number {
  const sizes = [
    ...puts.map(([key, value]) => key.length + (value?.length ?? 0)),
    head.bytes.length,
  ];
  const pagesOfEntries = sizes.map((size) =>
    size > pageSize / 2
      ? Math.ceil((size + ENTRY_BYTES) / pageSize)
      : (2 * (size + ENTRY_BYTES)) / pageSize,
  );
  const hasValues = puts.some(([key, value]) => key[0] === RECORD && value !== undefined);
  const reserved = hasValues ? RESERVED_PAGES : 0;
  const copied = Math.min(oldPages, 3 * sizes.length);
  const added = Math.ceil(pagesOfEntries.reduce((sum, one) => sum + one, 0));
  return added + copied + OVERHEAD_PAGES + reserved;
}

function grow(descriptor: number, missing: number): void {
  const { size } = fstatSync(descriptor);
  try {
    for (let left = missing, end = size; left > 0;) {
      const written = writeSync(
        descriptor,
        Buffer.alloc(Math.min(left, CHUNK_BYTES)),
        0,
        undefined,
        end,
      );
      left -= written;
      end += written;
    }
  } catch (thrown) {
    ftruncateSync(descriptor, size); // LMDB's lock is held, so no other process has written there
    throw thrown;
  }
}
