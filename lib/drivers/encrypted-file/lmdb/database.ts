import { loadPeer } from '../../../peers/load-peer';

/** The part of lmdb's API that a store needs. */
export interface Database {
  put(key: Buffer, value: Buffer, version: number): Promise<boolean>;
  remove(key: Buffer): Promise<boolean>;
  /** Waits for the lock without blocking, and runs `work` while it is held. */
  transaction<T>(work: () => T): Promise<T>;
  /** Blocks until it has the lock, and runs `work` while it is held. */
  transactionSync<T>(work: () => T): T;
  /** Returns the number of the commit that the running transaction prepares. */
  getWriteTxnId(): number;
  getEntry(key: Buffer): { readonly version?: number } | undefined;
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
    eventTurnBatching: false, // otherwise a commit that fails ends the process by an unhandled rejection
    keyEncoding: 'binary',
    encoding: 'binary',
    useVersions: true,
    permissionsMode: 0o600,
  });
}
