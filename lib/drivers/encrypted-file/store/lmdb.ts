import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { read } from '../../../core/errors/safe-access';
import { misconfigured } from '../files/problems';

/** The part of lmdb's API that a store needs. */
export interface Database {
  /** Runs the writes of `block` in one transaction if the key has the version. `null` stands for a missing key. */
  ifVersion(key: Buffer, version: number | null, block: () => void): Promise<boolean>;
  put(key: Buffer, value: Buffer, version: number): Promise<boolean>;
  remove(key: Buffer): Promise<boolean>;
  transactionSync<T>(work: () => T): T;
  clearSync(): void;
  close(): Promise<void>;
}

interface Lmdb {
  open(options: Readonly<Record<string, unknown>>): Database;
}

const LMDB = load();

/** Opens an LMDB file, or creates one that only its owner can read. A commit resolves when it is on the disk. */
export function openDatabase(path: string): Database {
  return LMDB.open({
    path,
    noSubdir: true,
    overlappingSync: false, // otherwise a commit resolves before it is on the disk
    keyEncoding: 'binary',
    encoding: 'binary',
    useVersions: true,
    permissionsMode: 0o600,
  });
}

/** Loads the optional peer. Throws `MISCONFIGURED` with the command that installs it. */
function load(): Lmdb {
  try {
    return createRequire(thisFile())('lmdb') as Lmdb;
  } catch (thrown) {
    const isMissing = read(thrown, 'code') === 'MODULE_NOT_FOUND';
    throw misconfigured(
      isMissing
        ? 'The driver for an encrypted file needs the package lmdb. Install it: npm install lmdb'
        : 'The package lmdb cannot be loaded. Install it again, with its optional packages, on the platform where it runs: ' +
            'npm install lmdb --include=optional',
    );
  }
}

/** Returns the path of this module, from which its peers are resolved. A bundle may know none. */
function thisFile(): string {
  const path: string | undefined = __filename; // `import.meta.url` in the ES modules
  const isKnown = path?.startsWith('file:') === true || isAbsolute(path ?? '');
  return isKnown ? path : join(process.cwd(), 'index.js');
}
