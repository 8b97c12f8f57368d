import { renameSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../files/durable-file';
import { unavailable } from '../files/problems';
import type { SealedChanges } from './draft';
import { openDatabase, type Database } from './lmdb';
import { makeLockFile } from './lock-file';

const ATTEMPTS = 10;

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
 * Builds a store beside its path, and moves it there as a whole. Concurrent processes take turns by the LMDB lock on
 * the unfinished file, and one of them installs it. If a process is killed, the next one overwrites its unfinished
 * file.
 */
export async function install<T>(path: string, installation: Installation<T>): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (installation.findSource() === undefined) return await removeUnfinished(path);
    await tryToInstall(path, installation);
  }
  throw unavailable('Other processes were making the store for too long. It may succeed later.');
}

/** Removes the unfinished file of a process that was killed. */
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
      if (source === undefined || !exists(unfinished) || !installation.backUp(source)) return;
      renameSync(unfinished, path);
    });
    await syncFolder(dirname(path));
  } finally {
    await database.close();
  }
}

function fill<T>(database: Database, installation: Installation<T>): T | undefined {
  const source = installation.findSource();
  if (source === undefined) return undefined;
  const { head, puts } = installation.build(source);
  database.clearSync(); // a killed process may have left entries
  for (const [key, value] of puts) if (value !== undefined) void database.put(key, value, 0);
  void database.put(head.key, head.bytes, head.token);
  return source;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function unfinishedPath(path: string): string {
  return `${path}.new`;
}
