import { readlinkSync, realpathSync } from 'node:fs';
import { readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularFile, readRegularFileSync, type RegularFile } from '../../files/regular-file';
import { DESCRIPTORS, isInside, isInsideSync } from './opened-file';
import { MAX_BYTES, assertInside, exchanged, explain, isAbsence } from './secret-file';

const KUBERNETES_LINK = '..data';
/** The attempts to open a file that is exchanged while it is opened. */
const ATTEMPTS = 20;

/**
 * Resolves to the file of a secret, or to `undefined` if it is missing.
 *
 * In a mount of Kubernetes, `..data` links to the current folder. Kubernetes exchanges that link, and then removes
 * the old folder. A look-up in the old folder finds nothing, and has to look again.
 */
export async function lookUp(
  directory: string,
  secretName: string,
  descriptors = DESCRIPTORS,
): Promise<RegularFile | undefined> {
  for (;;) {
    const before = await currentFolder(directory);
    const file = await look(directory, secretName, descriptors);
    if (file !== undefined || before === (await currentFolder(directory))) return file;
  }
}

/** Looks a file up like {@link lookUp}, blocking. */
export function lookUpSync(
  directory: string,
  secretName: string,
  descriptors = DESCRIPTORS,
): RegularFile | undefined {
  for (;;) {
    const before = currentFolderSync(directory);
    const file = lookSync(directory, secretName, descriptors);
    if (file !== undefined || before === currentFolderSync(directory)) return file;
  }
}

async function look(
  directory: string,
  secretName: string,
  descriptors: string,
): Promise<RegularFile | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const root = await realpath(directory);
      const path = await realpath(join(root, secretName));
      assertInside(root, path, secretName);
      return await readRegularFile(path, {
        maxBytes: MAX_BYTES,
        check: async (descriptor, stats) => {
          const opened = { descriptor, stats, path };
          if (!(await isInside(root, opened, descriptors))) throw new Exchanged();
        },
      });
    } catch (thrown) {
      if (thrown instanceof Exchanged) continue;
      if (isAbsence(thrown)) return undefined;
      throw explain(thrown, secretName);
    }
  }
  throw exchanged(secretName);
}

function lookSync(
  directory: string,
  secretName: string,
  descriptors: string,
): RegularFile | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      const root = realpathSync.native(directory);
      const path = realpathSync.native(join(root, secretName));
      assertInside(root, path, secretName);
      return readRegularFileSync(path, {
        maxBytes: MAX_BYTES,
        check: (descriptor, stats) => {
          const opened = { descriptor, stats, path };
          if (!isInsideSync(root, opened, descriptors)) throw new Exchanged();
        },
      });
    } catch (thrown) {
      if (thrown instanceof Exchanged) continue;
      if (isAbsence(thrown)) return undefined;
      throw explain(thrown, secretName);
    }
  }
  throw exchanged(secretName);
}

/** Thrown if the opened file is not the one of its path, because somebody has exchanged it meanwhile. */
class Exchanged extends Error {}

function currentFolder(directory: string): Promise<string | undefined> {
  return readlink(join(directory, KUBERNETES_LINK)).catch(() => undefined);
}

function currentFolderSync(directory: string): string | undefined {
  try {
    return readlinkSync(join(directory, KUBERNETES_LINK));
  } catch {
    return undefined; // the mount is not one of Kubernetes
  }
}
