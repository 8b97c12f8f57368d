import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { quoteName } from '../../../core/errors/wording';
import { UnusableFile, readRegularFileSync } from '../../../files/regular-file';
import { syncFolder, createFile } from '../files/durable-file';
import { hasCode, misconfigured } from '../files/problems';
import { KEY_BYTES, toKey } from './key-source';

const MAX_BYTES = 1_024;

/** Reads the key. Blocks, once per manager. Throws `MISCONFIGURED` if there is no key. */
export function readKeyFile(path: string): Buffer {
  const content = contentOf(path);
  const key = toKey(content) ?? toKey(new TextDecoder().decode(content).trim()); // drops a byte order mark
  if (key !== undefined) return key;
  throw misconfigured(
    `The key file ${quoteName(path)} holds no key: ${KEY_BYTES} random bytes, or these as base64 or hex. ` +
      'Restore it from a backup; words are not a key, give them as `passphrase`.',
  );
}

/**
 * Creates a key file that only its owner can read. Leaves an existing file as it is, even one that another process
 * has just created.
 */
export async function makeKeyFile(path: string): Promise<void> {
  if (existsSync(path)) return;
  const temporaryPath = `${path}.${randomUUID()}.tmp`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await createFile(temporaryPath, Buffer.from(`${randomBytes(KEY_BYTES).toString('base64')}\n`));
    await link(temporaryPath, path); // unlike a rename, a link replaces no file
  } catch (thrown) {
    if (!hasCode(thrown, 'EEXIST')) throw thrown;
  } finally {
    await rm(temporaryPath, { force: true });
  }
  await syncFolder(dirname(path));
}

function contentOf(path: string): Buffer {
  try {
    return readRegularFileSync(path, { maxBytes: MAX_BYTES }).content;
  } catch (thrown) {
    if (thrown instanceof UnusableFile && thrown.problem === 'too large') return Buffer.of();
    throw misconfigured(`The key file ${quoteName(path)} ${problemOf(thrown)}.`);
  }
}

function problemOf(thrown: unknown): string {
  if (thrown instanceof UnusableFile) return 'is not a file. Check `keyFile`';
  return hasCode(thrown, 'ENOENT')
    ? 'is missing, and without it the store cannot be opened. Restore it from a backup'
    : 'cannot be read. Let the user of the process read it';
}
