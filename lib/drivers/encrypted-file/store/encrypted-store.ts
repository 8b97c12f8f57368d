import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { unavailable } from '../files/problems';
import type { Keyring } from '../keys/keyring';
import { Damage } from '../pages/damage';
import type { PageFile } from '../pages/page-file';
import { decodeHeader, decodeRoot } from '../seals/head';
import { HEAD_KEY } from '../seals/places';
import { SealedTree } from '../seals/sealed-tree';
import { ChangeQueue, type PendingChange } from './change-queue';
import { Draft, type SealedChanges } from './draft';
import { lookInto } from './look';
import { Patience } from './patience';
import { Progress } from './progress';
import { Verification } from './verification';
import { Writer } from './writer';

/** Each commit removes expired secrets from so many buckets. */
const PURGED_BUCKETS = 4;
/** How often others may be faster before nobody else may write while a commit is prepared. */
const DEFEATS = 1;
/** How often LMDB may refuse a commit though nobody has changed the store. */
const REFUSALS = 5;

/** Sealed secrets in one file of LMDB that several processes may share. */
export class EncryptedStore {
  readonly #path: string;
  readonly #keyring: Keyring;
  readonly #writer: Writer;
  readonly #progress = new Progress();
  readonly #queue = new ChangeQueue((batch) => this.commit(batch));
  readonly #verification = new Verification((see) => this.lookSync(see));

  constructor(path: string, keyring: Keyring) {
    this.#path = path;
    this.#keyring = keyring;
    this.#writer = new Writer(path);
  }

  /** Opens the store as the last commit of any process has left it. Does not block while a key is derived. */
  async look<T>(see: (tree: SealedTree) => T): Promise<T> {
    this.#keyring.assertUsable();
    if (this.#keyring.isToDerive) {
      const { derivation } = lookInto(this.#path, (file) => decodeHeader(headOf(file)));
      await this.#keyring.prepare(derivation);
    }
    return this.lookSync(see);
  }

  /** Blocks; otherwise the same as {@link look}. */
  lookSync<T>(see: (tree: SealedTree) => T): T {
    this.#keyring.assertUsable();
    return lookInto(this.#path, (file) => see(this.treeOf(file)));
  }

  /**
   * Changes the store. When it resolves, the change is on the disk; when it rejects, the store is as it was, unless the message
   * says that the outcome is unknown. Some of the secrets whose recovery window has ended are removed on the way.
   */
  async change<T>(options: OperationOptions, change: (draft: Draft) => T): Promise<T> {
    this.#keyring.assertUsable();
    return await this.#queue.add(change, new Patience(options));
  }

  /** Opens every secret of the store, and rejects if one was removed, exchanged, put back or changed. */
  async verify(): Promise<void> {
    await this.look(() => undefined);
    await this.#verification.run();
  }

  /** Verifies the store. A large store rests between two runs, so that they take 5 % of the time at most. */
  async verifyNowAndThen(): Promise<void> {
    await this.look(() => undefined);
    if (this.#verification.isDue) await this.#verification.run();
  }

  /** Waits for the writes that are under way, and drops all keys. */
  async close(): Promise<void> {
    await this.#queue.end();
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
      for (const change of batch) await this.commit([change]); // so that each fails for its own reason only
    }
  }

  private async commitTogether(batch: readonly PendingChange[]): Promise<void> {
    await this.look(() => undefined);
    const attempt: { changes?: SealedChanges | undefined } = {};
    const prepare = (): SealedChanges | undefined =>
      (attempt.changes = this.lookSync((tree) => toChanges(tree, batch)));
    let refused: number | undefined;
    let refusals = 0;
    for (let defeats = 0; batch.some(({ isAwaited }) => isAwaited); defeats++) {
      const isDone =
        defeats < DEFEATS
          ? await this.commitAtOnce(prepare())
          : await this.#writer.commitInTurn(prepare);
      const { changes } = attempt;
      if (isDone) {
        if (changes !== undefined) this.#progress.note(changes.header, changes.changes);
        return;
      }
      refusals = refused === changes?.replaces ? refusals + 1 : 0;
      refused = changes?.replaces;
      if (refusals === REFUSALS) await this.giveUp();
    }
  }

  private async commitAtOnce(changes: SealedChanges | undefined): Promise<boolean> {
    return changes === undefined || (await this.#writer.commit(changes));
  }

  private async giveUp(): Promise<never> {
    await this.#writer.close();
    throw unavailable(
      'The file of the store was exchanged while processes had it open. Nothing was written; start these processes again.',
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
  // their callers may have left while a key was derived
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
