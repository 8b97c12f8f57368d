import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, linkSync, openSync, rmSync, writeSync } from 'node:fs';
import { hasCode } from '../files/problems';

/** LMDB needs 8 272 bytes, and uses what is more for further readers. */
const BYTES = 12_288;

/**
 * Makes LMDB's lock file with all its blocks. LMDB itself would leave holes, and to write into one on a full disk ends the process.
 * Never opens a lock file that exists: closing it again would release the locks that LMDB holds for this process.
 */
export function makeLockFile(path: string): void {
  if (existsSync(path)) return;
  const temporaryPath = `${path}.${randomUUID()}.tmp`;
  try {
    writeZeros(temporaryPath);
    linkSync(temporaryPath, path); // unlike a rename, it replaces nothing
  } catch (thrown) {
    if (!hasCode(thrown, 'EEXIST')) throw thrown;
  } finally {
    rmSync(temporaryPath, { force: true });
  }
}

function writeZeros(path: string): void {
  const descriptor = openSync(path, 'wx', 0o600);
  try {
    for (let left = BYTES; left > 0;) left -= writeSync(descriptor, Buffer.alloc(left));
  } finally {
    closeSync(descriptor);
  }
}
