import { realpathSync, statSync } from 'node:fs';
import { read } from '../../../core/errors/safe-access';
import { isSecretManagerError } from '../../../core/errors/secret-manager.error';
import { explain } from '../files/explain';
import { isDiskError, unavailable } from '../files/problems';
import { assertSound } from '../pages/soundness';
import type { SealedChanges } from './draft';
import { openDatabase, type Database } from '../lmdb/database';
import { betweenTransactions, inTransaction } from '../lmdb/lock-order';
import { assertLockable, explainLock, isWritable, makeLockFile } from '../lmdb/lock-file';
import { readSnapshot } from './snapshot';
import { makeRoom } from './free-space';

/** The attempts to open LMDB with the latest state, while other processes commit. */
const OPENINGS_MAX = 3;

interface OpenedDatabase {
  readonly database: Database;
  readonly path: string;
  readonly identity: string;
}

/** The result of a commit. `outdated`: LMDB does not have the latest state of the store, so nothing was written. */
type Outcome = 'committed' | 'overtaken' | 'outdated';

/** Commits changes through LMDB. The first commit opens LMDB. */
export class Writer {
  readonly #path: string;
  #opened: OpenedDatabase | undefined;
  #hasFailed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Commits what `prepare` returns. Runs it under LMDB's lock, so that nobody else can write meanwhile. Resolves to
   * `true` when the changes are on the disk, and to `false` if they are not based on the latest state of the store.
   * Rejects if they could not be written: the store is then unchanged.
   */
  async commit(prepare: () => SealedChanges | undefined): Promise<boolean> {
    const { database, path } = await this.opened();
    const outcome = await this.withLock(database, () => commitTo(database, path, prepare));
    if (outcome === 'outdated') await this.close(); // opening LMDB again gives it the latest state
    return outcome === 'committed';
  }

  /** Closes LMDB until the next commit. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (!this.#hasFailed) await opened?.database.close();
  }

  private async withLock<T>(database: Database, work: () => T): Promise<T> {
    const transact = (): Promise<readonly [{ readonly value: T } | { readonly thrown: unknown }]> =>
      database.transaction(() => {
        try {
          return [{ value: work() }];
        } catch (thrown) {
          return [{ thrown }]; // `work` failed, not LMDB
        }
      });
    const [outcome] = await this.run(database, () => inTransaction(transact));
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
      this.#opened ??= {
        database: await betweenTransactions(() => open(path)),
        path,
        identity,
      };
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
    return openLatest(path);
  } catch (thrown) {
    throw isSecretManagerError(thrown) ? thrown : notWritable();
  }
}

/**
 * Opens LMDB, and again if it does not have the latest state. To open a file, lmdb reads the number of the last commit,
 * and stores it in the lock file later. The commits of other processes between the two steps are then forgotten.
 */
function openLatest(path: string): Database {
  for (let attempt = 1; ; attempt++) {
    const database = openDatabase(path);
    if (attempt === OPENINGS_MAX || isLatest(database, path)) return database;
    void database.close(); // closes at once, because nothing is in flight
  }
}

function isLatest(database: Database, path: string): boolean {
  try {
    return database.transactionSync(() => hasLatest(database, path));
  } catch (thrown) {
    void database.close();
    throw thrown;
  }
}

/** Tells whether the running transaction follows the latest commit. It would overwrite that commit otherwise. */
function hasLatest(database: Database, path: string): boolean {
  const latest = readSnapshot(path, ({ meta }) => meta.transaction);
  return BigInt(database.getWriteTxnId()) === latest + 1n;
}

function notWritable(): Error {
  return unavailable(
    'The store cannot be opened for writing. Let the user of the process write it, its lock file and its folder.',
  );
}

function commitTo(
  database: Database,
  path: string,
  prepare: () => SealedChanges | undefined,
): Outcome {
  if (!hasLatest(database, path)) return 'outdated';
  const changes = prepare();
  if (changes === undefined) return 'committed';
  if (database.getEntry(changes.head.key)?.version !== changes.replaces) return 'overtaken';
  makeRoom(path, changes);
  put(database, changes);
  return 'committed';
}

function put(database: Database, { head, puts }: SealedChanges): void {
  for (const [key, value] of puts) {
    void (value === undefined ? database.remove(key) : database.put(key, value, 0));
  }
  void database.put(head.key, head.bytes, head.token); // the transaction reports a failure
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
