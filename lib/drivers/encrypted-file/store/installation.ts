import { renameSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../files/durable-file';
import { unavailable } from '../files/problems';
import type { SealedChanges } from './draft';
import { openDatabase, type Database } from './lmdb';
import { makeLockFile } from './lock-file';

const ATTEMPTS = 10;

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
 * Builds a store beside its place and moves it there, whole. Several processes that do so at once take turns by LMDB's own lock
 * on the unfinished file, and one of them installs it. A process that was killed at any moment leaves a file that the next one
 * writes again.
 */
export async function install<T>(path: string, installation: Installation<T>): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (installation.isDue() === undefined) return await removeUnfinished(path);
    await tryToInstall(path, installation);
  }
  throw unavailable('Other processes were making the store for too long. It may succeed later.');
}

/** Removes what a process has left behind that was killed while it made a store. */
export async function removeUnfinished(path: string): Promise<void> {
  const unfinished = unfinishedPath(path);
  for (const left of [unfinished, `${unfinished}-lock`]) await rm(left, { force: true });
}

async function tryToInstall<T>(path: string, installation: Installation<T>): Promise<void> {
  const unfinished = unfinishedPath(path);
  makeLockFile(`${unfinished}-lock`);
  const database = openDatabase(unfinished);
  try {
    const source = database.transactionSync(() => fill(database, installation));
    database.transactionSync(() => {
      if (source === undefined || !isThere(unfinished) || !installation.backUp(source)) return;
      renameSync(unfinished, path);
    });
    await syncFolder(dirname(path));
  } finally {
    await database.close();
  }
}

function fill<T>(database: Database, installation: Installation<T>): T | undefined {
  const source = installation.isDue();
  if (source === undefined) return undefined;
  const { head, puts } = installation.build(source);
  database.clearSync(); // a process that was killed may have left something
  for (const [key, value] of puts) if (value !== undefined) void database.put(key, value, 0);
  void database.put(head.key, head.bytes, head.token);
  return source;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function unfinishedPath(path: string): string {
  return `${path}.new`;
}
