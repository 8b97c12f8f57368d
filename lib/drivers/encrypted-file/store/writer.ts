import { realpathSync, statSync } from 'node:fs';
import { read } from '../../../core/errors/safe-access';
import { isSecretManagerError } from '../../../core/errors/secret-manager.error';
import { explain } from '../files/explain';
import { isDiskError, unavailable } from '../files/problems';
import { assertSound } from '../pages/soundness';
import type { SealedChanges } from './draft';
import { openDatabase, type Database } from './lmdb';
import { assertLockable, explainLock, isWritable, makeLockFile } from './lock-file';
import { readSnapshot } from './snapshot';
import { hasRoom, makeRoom } from './room';

interface OpenedDatabase {
  readonly database: Database;
  readonly path: string;
  readonly identity: string;
}

/** Commits changes through LMDB. The first commit opens LMDB. */
export class Writer {
  readonly #path: string;
  #opened: OpenedDatabase | undefined;
  #hasFailed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Resolves to `true` when the changes are on the disk, and to `false` if another process changed the store first.
   * Rejects if they could not be written: the store is then unchanged.
   */
  async commit(changes: SealedChanges): Promise<boolean> {
    const { database, path } = await this.opened();
    if (!hasRoom(path, changes)) await this.withLock(database, () => makeRoom(path, changes));
    return await this.run(database, () => commitTo(database, changes));
  }

  /** Prepares and commits changes under LMDB's lock, so that nobody else can write. Writes nothing for `undefined`. */
  async commitLocked(prepare: () => SealedChanges | undefined): Promise<boolean> {
    const { database, path } = await this.opened();
    return await this.withLock(database, () => {
      const changes = prepare();
      if (changes === undefined) return true;
      if (database.getEntry(changes.head.key)?.version !== changes.replaces) return false;
      makeRoom(path, changes);
      void Promise.allSettled(put(database, changes)); // the transaction reports a failure
      return true;
    });
  }

  /** Closes LMDB until the next commit. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (!this.#hasFailed) await opened?.database.close();
  }

  private async withLock<T>(database: Database, work: () => T): Promise<T> {
    const [outcome] = await this.run(database, () =>
      database.transaction(() => {
        try {
          return [{ value: work() }] as const;
        } catch (thrown) {
          return [{ thrown }] as const; // `work` failed, not LMDB
        }
      }),
    );
    if ('value' in outcome) return outcome.value;
    if (isSecretManagerError(outcome.thrown)) throw outcome.thrown;
    throw explainCommit(read(outcome.thrown, 'code'), 'free some space, and try again');
  }

  private async run<T>(database: Database, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      this.#hasFailed = true;
      process.once('exit', () => void database); // closing or collecting it may crash the process
      throw explainCommit(read(await causeOf(thrown), 'code'), 'start the process again');
    }
  }

  private async opened(): Promise<OpenedDatabase> {
    if (this.#hasFailed) {
      throw unavailable(
        'LMDB has failed in this process. Nothing was written; start the process again.',
      );
    }
    try {
      const path = realpathSync(this.#path); // the lock lies beside the file that all links lead to
      const { dev, ino } = statSync(path, { bigint: true });
      const identity = `${dev} ${ino}`;
      if (this.#opened !== undefined && this.#opened.identity !== identity) await this.close();
      this.#opened ??= { database: open(path), path, identity };
      return this.#opened;
    } catch (thrown) {
      throw explain(thrown, this.#path);
    }
  }
}

function open(path: string): Database {
  readSnapshot(path, assertSound);
  if (!isWritable(path)) throw notWritable();
  try {
    makeLockFile(`${path}-lock`);
  } catch (thrown) {
    throw explainLock(thrown, `${path}-lock`);
  }
  assertLockable(`${path}-lock`);
  try {
    return openDatabase(path);
  } catch {
    throw notWritable();
  }
}

function notWritable(): Error {
  return unavailable(
    'The store cannot be opened for writing. Let the user of the process write it, its lock file and its folder.',
  );
}

async function commitTo(database: Database, changes: SealedChanges): Promise<boolean> {
  const { head, replaces } = changes;
  let writes: readonly Promise<boolean>[] = [];
  const isCommitted = database.ifVersion(head.key, replaces, () => {
    writes = put(database, changes);
  });
  await Promise.allSettled(writes); // the rejection of the commit has the reason
  return await isCommitted;
}

function put(database: Database, { head, puts }: SealedChanges): readonly Promise<boolean>[] {
  const writes = puts.map(([key, value]) =>
    value === undefined ? database.remove(key) : database.put(key, value, 0),
  );
  return [...writes, database.put(head.key, head.bytes, head.token)];
}

function explainCommit(code: unknown, remedy: string): Error {
  const reason = isDiskError(code) ? 'the disk is full, over its quota or failing' : 'LMDB failed';
  return unavailable(
    `The store could not be written: ${reason} (${String(code)}). Nothing was written; ${remedy}.`,
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
