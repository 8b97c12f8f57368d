import { realpathSync, statSync } from 'node:fs';
import { read } from '../../../core/errors/safe-access';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { explain } from '../files/explain';
import { isDiskError, unavailable } from '../files/problems';
import { assertSound } from '../pages/soundness';
import type { SealedChanges } from './draft';
import { openDatabase, type Database } from './lmdb';
import { makeLockFile } from './lock-file';
import { readSnapshot } from './snapshot';

interface OpenedDatabase {
  readonly database: Database;
  readonly identity: string;
}

/** Commits changes through LMDB. The first commit opens LMDB. */
export class Writer {
  readonly #path: string;
  #opened: OpenedDatabase | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Resolves to `true` when the changes are on the disk, and to `false` if another process changed the store first.
   * Rejects if they could not be written: the store is then unchanged.
   */
  async commit(changes: SealedChanges): Promise<boolean> {
    const database = await this.database();
    try {
      return await commitTo(database, changes);
    } catch (thrown) {
      await this.close(); // a failed disk may have left LMDB unusable
      throw await explainCommit(thrown);
    }
  }

  /** Closes LMDB until the next commit. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.database.close();
  }

  private async database(): Promise<Database> {
    try {
      const path = realpathSync(this.#path); // the lock lies beside the file that all links lead to
      const { dev, ino } = statSync(path, { bigint: true });
      const identity = `${dev} ${ino}`;
      if (this.#opened !== undefined && this.#opened.identity !== identity) await this.close();
      this.#opened ??= { database: open(path), identity };
      return this.#opened.database;
    } catch (thrown) {
      throw explain(thrown, this.#path);
    }
  }
}

function open(path: string): Database {
  readSnapshot(path, assertSound);
  makeLockFile(`${path}-lock`);
  try {
    return openDatabase(path);
  } catch {
    throw unavailable(
      'The store cannot be opened for writing. Let the user of the process write it, its lock file and its folder.',
    );
  }
}

async function commitTo(
  database: Database,
  { replaces, head, puts }: SealedChanges,
): Promise<boolean> {
  const writes: Promise<boolean>[] = [];
  const isCommitted = database.ifVersion(head.key, replaces, () => {
    for (const [key, value] of puts) {
      writes.push(value === undefined ? database.remove(key) : database.put(key, value, 0));
    }
    writes.push(database.put(head.key, head.bytes, head.token));
  });
  await Promise.allSettled(writes); // the rejection of the commit has the reason
  return await isCommitted;
}

async function explainCommit(thrown: unknown): Promise<Error> {
  const code = read(await causeOf(thrown), 'code');
  const reason = isDiskError(code) ? 'the disk is full, over its quota or failing' : 'LMDB failed';
  return new SecretManagerError(
    'UNAVAILABLE',
    `The store could not be written: ${reason} (${String(code)}). Nothing was written; free some space, and try again.`,
  );
}

/** Resolves to the cause of a failed commit. lmdb rejects `commitError` with it. */
async function causeOf(thrown: unknown): Promise<unknown> {
  try {
    await (read(thrown, 'commitError') as Promise<never> | undefined);
    return thrown;
  } catch (cause) {
    return cause;
  }
}
