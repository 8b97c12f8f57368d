import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, linkSync, openSync, rmSync, writeSync } from 'node:fs';
import { hasCode } from '../files/problems';

/** The size of the lock file. LMDB needs 8 272 bytes, and uses the rest for further readers. */
const BYTES = 12_288;

/**
 * Creates LMDB's lock file with all its blocks. LMDB itself would create a sparse file. Writing into a hole on a full
 * disk kills the process. An existing lock file is never opened: closing it would release the locks that LMDB holds
 * for this process.
 */
export function makeLockFile(path: string): void {
  if (existsSync(path)) return;
  const temporaryPath = `${path}.${randomUUID()}.tmp`;
  try {
    writeZeros(temporaryPath);
    linkSync(temporaryPath, path); // unlike a rename, a link replaces no file
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
