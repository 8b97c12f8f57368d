import { loadPeer } from '../../../peers/load-peer';

/** The part of lmdb's API that a store needs. */
export interface Database {
  /** Runs the writes of `block` in one transaction if the key has the version. `null` stands for a missing key. */
  ifVersion(key: Buffer, version: number | null, block: () => void): Promise<boolean>;
  put(key: Buffer, value: Buffer, version: number): Promise<boolean>;
  remove(key: Buffer): Promise<boolean>;
  /** Waits for the lock without blocking, and runs `work` while it is held. */
  transaction<T>(work: () => T): Promise<T>;
  getEntry(key: Buffer): { readonly version?: number } | undefined;
  transactionSync<T>(work: () => T): T;
  close(): Promise<void>;
}

interface Lmdb {
  open(options: Readonly<Record<string, unknown>>): Database;
}

const LMDB = loadPeer<Lmdb>('lmdb', 'The driver for an encrypted file');

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
