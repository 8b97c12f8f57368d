import { renameSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pause } from '../../../core/calls/waiting';
import { now } from '../../../core/time/clock';
import { syncFolder } from '../files/durable-file';
import { unavailable } from '../files/problems';
import type { SealedChanges } from './draft';
import { openDatabase, type Database } from '../lmdb/database';
import { assertLockable, makeLockFile } from '../lmdb/lock-file';
import { makeRoom } from './free-space';

const CONTEXT = { manager: 'encrypted-file', operation: 'validateEnvironment' };
const PATIENCE_MS = 30_000;
const PAUSE_MS = 20;

/** The steps that build and install a new store. */
export interface Installation<T> {
  /** Returns the source of the new store, or `undefined` if another process has already installed one. */
  findSource(): T | undefined;
  /** Returns the content of the new store. */
  build(source: T): SealedChanges;
  /** Backs up the old store right before the new one replaces it. Returns `false` if the source has changed. */
  backUp(source: T): boolean;
}

/**
 * Builds a store beside its path, and moves it there as a whole. Concurrent processes take turns by LMDB's lock on a separate
 * file, and one of them installs the store. The unfinished files of a killed process are removed unread.
 */
export async function install<T>(path: string, installation: Installation<T>): Promise<void> {
  const endsAt = now() + PATIENCE_MS;
  while (installation.findSource() !== undefined) {
    await inTurn(path, () => tryToInstall(path, installation));
    if (installation.findSource() === undefined) break;
    if (now() >= endsAt) {
      throw unavailable('Other processes changed the store for too long. It may succeed later.');
    }
    await pause(PAUSE_MS, {}, CONTEXT);
  }
  await syncFolder(dirname(path));
  await removeUnfinished(path);
}

/** Removes the unfinished files of a process that was killed. */
export async function removeUnfinished(path: string): Promise<void> {
  for (const left of [...withLock(unfinishedPath(path)), ...withLock(turnPath(path))]) {
    await rm(left, { force: true });
  }
}

/** Runs `work` in one process at a time. The system releases the lock of a process that is killed. */
async function inTurn(path: string, work: () => void): Promise<void> {
  const turn = await openTurn(path);
  try {
    turn.transactionSync(work); // `work` writes nothing into this file
  } finally {
    await turn.close();
  }
}

async function openTurn(path: string): Promise<Database> {
  makeLockFile(`${turnPath(path)}-lock`);
  assertLockable(`${turnPath(path)}-lock`);
  try {
    return openDatabase(turnPath(path));
  } catch (thrown) {
    await rm(turnPath(path), { force: true }); // a full disk may have left a partial file, which no start could open
    throw thrown;
  }
}

function tryToInstall<T>(path: string, installation: Installation<T>): void {
  const source = installation.findSource();
  if (source === undefined) return;
  const unfinished = unfinishedPath(path);
  try {
    fill(unfinished, installation.build(source));
  } catch (thrown) {
    for (const left of withLock(unfinished)) rmSync(left, { force: true }); // frees its space
    throw thrown;
  }
  if (installation.backUp(source)) renameSync(unfinished, path);
}

/** Creates a new LMDB file. Never reuses an old one: LMDB crashes on the pages of a process that was killed. */
function fill(path: string, changes: SealedChanges): void {
  const { head, puts } = changes;
  for (const left of withLock(path)) rmSync(left, { force: true });
  makeLockFile(`${path}-lock`);
  assertLockable(`${path}-lock`);
  const database = openDatabase(path);
  try {
    database.transactionSync(() => {
      makeRoom(path, changes);
      for (const [key, value] of puts) if (value !== undefined) void database.put(key, value, 0);
      void database.put(head.key, head.bytes, head.token);
    });
  } finally {
    void database.close(); // closes at once, because nothing is in flight
  }
}

function withLock(path: string): readonly string[] {
  return [path, `${path}-lock`];
}

function unfinishedPath(path: string): string {
  return `${path}.new`;
}

function turnPath(path: string): string {
  return `${path}.turn`;
}
