import { renameSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { HeldLock } from './file-lock';
import { unavailable } from './problems';
import { MAX_BYTES, identityOfSync } from './store-file';

/**
 * Puts a new file in the place of the one that has the `identity`, or of none: whoever reads, and whenever the machine stops,
 * finds the old file or the new one, whole. When it resolves, the new one is on the disk.
 */
export async function replaceFile(
  path: string,
  content: Buffer,
  identity: string | undefined,
  lock: HeldLock,
): Promise<void> {
  assertSmall(content.length);
  try {
    await writeWhole(lock.temporaryPath, content);
    // nothing may come between these: a process that stood still has lost its right to write, and does not know it
    lock.assertHeld();
    if (identityOfSync(path) !== identity) throw changed();
    renameSync(lock.temporaryPath, path);
  } catch (thrown) {
    await rm(lock.temporaryPath, { force: true });
    throw thrown;
  }
  await syncFolder(dirname(path));
}

/** Makes a file that nobody else can read, or see before it is whole. */
export async function writeWhole(path: string, content: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A name that was not written to its folder is gone after a power cut. Windows sees to that by itself, and opens no folder. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function assertSmall(length: number): void {
  if (length <= MAX_BYTES) return;
  throw unavailable(
    `The store would be larger than ${MAX_BYTES} bytes. Nothing was written; delete what is not needed.`,
  );
}

function changed(): Error {
  return unavailable(
    'Somebody has exchanged the store who does not heed its lock. Nothing was written; it may succeed later.',
  );
}
