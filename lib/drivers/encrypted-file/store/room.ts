import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { PageFile } from '../pages/page-file';
import type { SealedChanges } from './draft';

const CHUNK_BYTES = 2 ** 20;
/** The most bytes that an entry takes beside its key and its value. */
const ENTRY_BYTES = 64;
/** For the list of free pages and new levels of the trees. */
const PAGES_MORE = 8;
/** Values leave so many, so that secrets can still be deleted when the disk is full. */
const PAGES_TO_DELETE = 24;
const RECORD = 'r'.charCodeAt(0);

/** Tells whether the file has the blocks that a commit may need. */
export function hasRoom(path: string, changes: SealedChanges): boolean {
  return inFile(path, 'r', (descriptor) => missingBytes(descriptor, changes) <= 0);
}

/**
 * Makes the file longer by the blocks that a commit may need, or throws as the disk does. LMDB corrupts the memory of the process
 * when the disk is full at a commit. Must run while LMDB's lock is held: another process might write there.
 */
export function makeRoom(path: string, changes: SealedChanges): void {
  inFile(path, 'r+', (descriptor) => {
    const missing = missingBytes(descriptor, changes);
    if (missing > 0) grow(descriptor, missing);
  });
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
  const ofSizes = sizes.map((size) =>
    size > pageSize / 2
      ? Math.ceil((size + ENTRY_BYTES) / pageSize)
      : (2 * (size + ENTRY_BYTES)) / pageSize,
  );
  const hasValues = puts.some(([key, value]) => key[0] === RECORD && value !== undefined);
  const left = hasValues ? PAGES_TO_DELETE : 0;
  const copied = Math.min(oldPages, 3 * sizes.length);
  return Math.ceil(ofSizes.reduce((sum, one) => sum + one, 0)) + copied + PAGES_MORE + left;
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
    ftruncateSync(descriptor, size); // nobody has written there
    throw thrown;
  }
}

function inFile<T>(path: string, flags: string, use: (descriptor: number) => T): T {
  const descriptor = openSync(path, flags);
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
