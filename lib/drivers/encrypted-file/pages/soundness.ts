import { Damage } from './damage';
import type { Tree } from './meta';
import type { PageFile } from './page-file';

const MAX_DEPTH = 32;
const WORD_BYTES = 8;

/**
 * Reads every page that LMDB may touch. Throws {@link Damage} for a page that LMDB cannot have written. LMDB trusts
 * its file, and a bad page would crash the process.
 */
export function assertSound(file: PageFile): void {
  const { entries, freePages, lastPage } = file.meta;
  const seen = new Set<number>();
  assertTree(file, entries, seen, () => undefined);
  assertTree(file, freePages, seen, (list) => assertFree(list, lastPage));
}

function assertTree(
  file: PageFile,
  { root, depth }: Tree,
  seen: Set<number>,
  assertValue: (value: Buffer) => void,
): void {
  if ((root === undefined) !== (depth === 0) || depth > MAX_DEPTH) throw new Damage();
  const visit = (number: number, level: number): void => {
    if (seen.has(number)) throw new Damage();
    seen.add(number);
    const page = file.page(number);
    if (page.isBranch !== level < depth) throw new Damage();
    for (let index = 0; index < page.count; index++) {
      page.keyAt(index);
      if (page.isBranch) visit(page.childAt(index), level + 1);
      else assertValue(file.storedBytes(page.valueAt(index)));
    }
  };
  if (root !== undefined) visit(root, 1);
}

/**
 * Checks a list of free pages: a count, then page numbers. The negative length of a longer run comes before its
 * number.
 */
function assertFree(list: Buffer, lastPage: number): void {
  const words = Math.floor(list.length / WORD_BYTES);
  if (words === 0 || list.readBigUInt64LE(0) >= BigInt(words)) throw new Damage();
  for (let word = 1; word < words; word++) {
    const number = list.readBigInt64LE(word * WORD_BYTES);
    if (number > BigInt(lastPage) || -number > BigInt(lastPage)) throw new Damage();
  }
}
