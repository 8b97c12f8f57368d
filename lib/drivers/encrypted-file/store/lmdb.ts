import { loadPeer } from '../../../peers/load-peer';

/** The part of lmdb's database that a store needs. */
export interface Database {
  /** Runs the writes of `block` in one transaction if the key has the version, or if it is missing for `null`. */
  ifVersion(key: Buffer, version: number | null, block: () => void): Promise<boolean>;
  put(key: Buffer, value: Buffer, version: number): Promise<boolean>;
  remove(key: Buffer): Promise<boolean>;
  /** Runs `work` while the lock is held, which it waits for without blocking. */
  transaction<T>(work: () => T): Promise<T>;
  getEntry(key: Buffer): { readonly version?: number } | undefined;
  transactionSync<T>(work: () => T): T;
  close(): Promise<void>;
}

interface Lmdb {
  open(options: Readonly<Record<string, unknown>>): Database;
}

const LMDB = loadPeer<Lmdb>('lmdb', 'The driver for an encrypted file');

/** Opens a file of LMDB, or makes one that its owner alone can read. A commit is on the disk when it resolves. */
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
