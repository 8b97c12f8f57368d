import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { pause } from '../../../core/calls/waiting';
import { unavailable } from '../files/problems';
import type { Keyring } from '../keys/keyring';
import { Damage } from '../pages/damage';
import type { PageFile } from '../pages/page-file';
import { decodeHeader, decodeRoot } from '../seals/head';
import { HEAD_KEY } from '../seals/places';
import { SealedTree } from '../seals/sealed-tree';
import { ChangeQueue, type PendingChange } from './change-queue';
import { Draft, type SealedChanges } from './draft';
import { Progress } from './progress';
import { readSnapshot } from './snapshot';
import { Verification } from './verification';
import { WriteDeadline } from './write-deadline';
import { Writer } from './writer';

/** The number of buckets from which each commit removes expired secrets. */
const PURGED_BUCKETS = 4;
/** The refusals after which a commit fails. Processes that open LMDB at the moment can cause some in a row. */
const REFUSALS_MAX = 20;
const PAUSE_MS = 20;
const CONTEXT = { manager: 'encrypted-file', operation: 'writeSecret' };

/** Sealed secrets in one LMDB file that several processes may share. */
export class EncryptedStore {
  readonly #path: string;
  readonly #keyring: Keyring;
  readonly #writer: Writer;
  readonly #progress = new Progress();
  readonly #queue = new ChangeQueue((batch) => this.commit(batch));
  readonly #verification = new Verification((use) => this.readSync(use));

  constructor(path: string, keyring: Keyring) {
    this.#path = path;
    this.#keyring = keyring;
    this.#writer = new Writer(path);
  }

  /** Reads the store as the last commit of any process left it. Does not block while a key is derived. */
  async read<T>(use: (tree: SealedTree) => T): Promise<T> {
    this.#keyring.assertUsable();
    if (this.#keyring.needsDerivation) {
      const { derivation } = readSnapshot(this.#path, (file) => decodeHeader(headOf(file)));
      await this.#keyring.prepare(derivation);
    }
    return this.readSync(use);
  }

  /** Reads the store like {@link read}, but blocks. */
  readSync<T>(use: (tree: SealedTree) => T): T {
    this.#keyring.assertUsable();
    return readSnapshot(this.#path, (file) => use(this.treeOf(file)));
  }

  /**
   * Changes the store. Resolves when the change is on the disk. A rejection leaves the store unchanged, unless its
   * message says that the outcome is unknown. Each change also removes some secrets whose recovery window has ended.
   */
  async change<T>(options: OperationOptions, change: (draft: Draft) => T): Promise<T> {
    this.#keyring.assertUsable();
    return await this.#queue.add(change, new WriteDeadline(options));
  }

  /** Decrypts every secret. Rejects if one was removed, exchanged, changed or reset to an older version. */
  async verify(): Promise<void> {
    await this.read(() => undefined);
    await this.#verification.run();
  }

  /** Verifies the store. A large store pauses between two runs, so that they take at most 5 % of the time. */
  async verifyIfDue(): Promise<void> {
    await this.read(() => undefined);
    if (this.#verification.isDue) await this.#verification.run();
  }

  /** Waits for the writes in flight, and drops all keys. */
  async close(): Promise<void> {
    await this.#queue.drain();
    this.#keyring.close();
    await this.#writer.close();
  }

  private async commit(batch: readonly PendingChange[]): Promise<void> {
    try {
      await this.commitTogether(batch);
      for (const change of batch) change.succeed();
    } catch (thrown) {
      const [first, ...others] = batch;
      if (others.length === 0) return first?.fail(thrown);
      for (const change of batch) await this.commit([change]); // each change must fail for its own reason only
    }
  }

  private async commitTogether(batch: readonly PendingChange[]): Promise<void> {
    await this.read(() => undefined);
    const attempt: { changes?: SealedChanges | undefined } = {};
    const prepare = (): SealedChanges | undefined =>
      (attempt.changes = this.readSync((tree) => toChanges(tree, batch)));
    for (let refusals = 0; batch.some(({ isAwaited }) => isAwaited); refusals++) {
      if (refusals === REFUSALS_MAX) await this.closeAndFail();
      if (refusals > 1) await pause(PAUSE_MS, {}, CONTEXT);
      const isDone =
        refusals === 0 ? await this.commitPrepared(prepare()) : await this.#writer.commit(prepare);
      if (!isDone) continue;
      const { changes } = attempt;
      if (changes !== undefined) this.#progress.note(changes.header, changes.changes);
      return;
    }
  }

  /** Commits changes that were prepared before LMDB has its lock, so that others wait for a shorter time. */
  private async commitPrepared(changes: SealedChanges | undefined): Promise<boolean> {
    return changes === undefined || (await this.#writer.commit(() => changes));
  }

  private async closeAndFail(): Promise<never> {
    await this.#writer.close();
    throw unavailable(
      'LMDB does not have the latest state of the store, as after its file was exchanged. Nothing was written; start the ' +
        'processes that have it open again.',
    );
  }

  private treeOf(file: PageFile): SealedTree {
    const head = headOf(file);
    const header = decodeHeader(head);
    const keys = this.#keyring.keysFor(header.derivation);
    const root = decodeRoot(head, header, keys);
    if (file.versionOf(HEAD_KEY) !== root.token) throw new Damage(); // LMDB would refuse every commit
    this.#progress.see(header.text, root.changes);
    return new SealedTree(header, root, keys, (key) => file.find(key));
  }
}

function toChanges(tree: SealedTree, batch: readonly PendingChange[]): SealedChanges | undefined {
  const draft = new Draft(tree);
  // a caller may have stopped waiting while a key was derived
  for (const change of batch) if (change.isAwaited) change.apply(draft);
  if (!draft.isChanged) return undefined;
  draft.purge(Date.now(), PURGED_BUCKETS);
  return draft.seal();
}

function headOf(file: PageFile): Buffer {
  const head = file.find(HEAD_KEY);
  if (head === undefined) throw new Damage();
  return head;
}
