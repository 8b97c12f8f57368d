import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { quoteName } from '../../../core/errors/wording';
import { UnusableFile, readRegularFileSync } from '../../../files/regular-file';
import { syncFolder, writeWhole } from '../files/durable-file';
import { hasCode, misconfigured } from '../files/problems';
import { KEY_BYTES, toKey } from './key-source';

const MAX_BYTES = 1_024;

/** Reads the key, blocking, which happens once in the life of a manager. Throws `MISCONFIGURED` if there is none. */
export function readKeyFile(path: string): Buffer {
  const content = contentOf(path);
  const key = toKey(content) ?? toKey(new TextDecoder().decode(content).trim()); // drops a byte order mark
  if (key !== undefined) return key;
  throw misconfigured(
    `The key file ${quoteName(path)} holds no key: ${KEY_BYTES} random bytes, or these as base64 or hex. ` +
      'Restore it from a backup; words are not a key, give them as `passphrase`.',
  );
}

/** Makes a new key that its owner alone can read. Leaves an existing file as it is, also if another process has just made it. */
export async function makeKeyFile(path: string): Promise<void> {
  if (existsSync(path)) return;
  const temporaryPath = `${path}.${randomUUID()}.tmp`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeWhole(temporaryPath, Buffer.from(`${randomBytes(KEY_BYTES).toString('base64')}\n`));
    await link(temporaryPath, path); // unlike a rename, it replaces nothing
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
