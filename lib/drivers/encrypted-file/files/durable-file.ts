import { open } from 'node:fs/promises';

/** Creates a file that only its owner can read. Resolves when the content is on the disk. */
export async function createFile(path: string, content: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Flushes the entries of a folder to the disk. Without a flush, a power cut can lose a new file. Windows needs none.
 */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
