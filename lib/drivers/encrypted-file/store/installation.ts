import { renameSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pause } from '../../../core/calls/waiting';
import { now } from '../../../core/time/clock';
import { syncFolder } from '../files/durable-file';
import { unavailable } from '../files/problems';
import type { SealedChanges } from './draft';
import { openDatabase, type Database } from './lmdb';
import { assertLockable, makeLockFile } from './lock-file';
import { makeRoom } from './room';

const CONTEXT = { manager: 'encrypted-file', operation: 'validateEnvironment' };
const PATIENCE_MS = 30_000;
const PAUSE_MS = 20;

/** A new store, and when it has to be put in its place. */
export interface Installation<T> {
  /** Returns what the new store is made from, `undefined` if another process has already made it. */
  isDue(): T | undefined;
  /** Returns the content of the new store. */
  build(source: T): SealedChanges;
  /** Called right before the new store takes the place of the old one, if there still is the same. */
  backUp(source: T): boolean;
}

/**
 * Builds a store beside its place and moves it there, whole. Several processes that do so at once take turns by LMDB's lock on
 * a file of its own, and one of them installs the store. What a process has left behind that was killed is removed unread.
 */
export async function install<T>(path: string, installation: Installation<T>): Promise<void> {
  const endsAt = now() + PATIENCE_MS;
  while (installation.isDue() !== undefined) {
    await inTurn(path, () => tryToInstall(path, installation));
    if (installation.isDue() === undefined) break;
    if (now() >= endsAt) {
      throw unavailable('Other processes changed the store for too long. It may succeed later.');
    }
    await pause(PAUSE_MS, {}, CONTEXT);
  }
  await syncFolder(dirname(path));
  await removeUnfinished(path);
}

/** Removes what a process has left behind that was killed while it made a store. */
export async function removeUnfinished(path: string): Promise<void> {
  for (const left of [...withLock(unfinishedPath(path)), ...withLock(turnPath(path))]) {
    await rm(left, { force: true });
  }
}

/** Runs `work` while no other process does. The system releases the lock of a process that is killed. */
async function inTurn(path: string, work: () => void): Promise<void> {
  const turn = await openTurn(path);
  try {
    turn.transactionSync(work); // it writes nothing there
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
    await rm(turnPath(path), { force: true }); // a full disk may have left a part of it, which no start could open
    throw thrown;
  }
}

function tryToInstall<T>(path: string, installation: Installation<T>): void {
  const source = installation.isDue();
  if (source === undefined) return;
  const unfinished = unfinishedPath(path);
  try {
    fill(unfinished, installation.build(source));
  } catch (thrown) {
    for (const left of withLock(unfinished)) rmSync(left, { force: true }); // for the space that it takes
    throw thrown;
  }
  if (installation.backUp(source)) renameSync(unfinished, path);
}

/** Makes a file of LMDB, from nothing: LMDB crashes at pages of a process that was killed. */
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
    void database.close(); // at once, because nothing is under way
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
