import { randomUUID } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { read } from '../../../core/errors/safe-access';
import { quoteName } from '../../../core/errors/wording';
import { shellQuote } from '../files/ownership';
import { hasCode, isDiskError, isMissing, misconfigured, unavailable } from '../files/problems';

/** The size of the lock file. LMDB needs 8 272 bytes, and uses the rest for further readers. */
const BYTES = 12_288;

/**
 * Creates LMDB's lock file with all its blocks. LMDB itself would create a sparse file. Writing into a hole on a full
 * disk kills the process. An existing lock file is never opened: closing it would release the locks that LMDB holds
 * for this process.
 */
export function makeLockFile(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
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

/** Throws `MISCONFIGURED` for a lock file that LMDB cannot open. LMDB would crash the process. */
export function assertLockable(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isFile()) {
    throw misconfigured(
      `The lock of the store at ${quoteName(path)} is not a file. Mend it: rm -r ${shellQuote(path)}`,
    );
  }
  if (isWritable(path)) return;
  const user = process.geteuid?.();
  throw misconfigured(
    `The process may not write the lock of the store at ${quoteName(path)}. Mend it: ` +
      (user === undefined ? 'let its user write the file' : `chown ${user} ${shellQuote(path)}`),
  );
}

/** Tells whether the process may read and write a file. */
export function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
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

/** Returns the error of a write whose lock file could not be created. */
export function explainLock(thrown: unknown, path: string): unknown {
  const code = read(thrown, 'code');
  if (isMissing(thrown)) return thrown;
  const remedy = isDiskError(code)
    ? 'the disk is full, over its quota or failing. Nothing was written; free some space, and try again'
    : `the lock file cannot be made. Nothing was written; let the user of the process write in ${quoteName(dirname(path))}`;
  return unavailable(`The store could not be written: ${remedy} (${String(code)}).`);
}
