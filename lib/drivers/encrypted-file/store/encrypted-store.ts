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
import { readSnapshot } from './snapshot';
import { Verification } from './verification';
import { WriteDeadline } from './write-deadline';
import { Writer } from './writer';

/** The number of buckets from which each commit removes expired secrets. */
const PURGED_BUCKETS = 4;
/** The number of commits that LMDB may refuse in a row although the store is unchanged. */
const REFUSALS = 5;

/** Sealed secrets in one LMDB file that several processes may share. */
export class EncryptedStore {
  readonly #path: string;
  readonly #keyring: Keyring;
  readonly #writer: Writer;
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

  /**
   * Verifies the store like {@link verify}. A large store is verified again only after a pause, so verification takes
   * at most 5 % of the time.
   */
  async verifyIfDue(): Promise<void> {
    await this.read(() => undefined);
    if (this.#verification.isDue) await this.#verification.run();
  }

  /** Waits for the writes in flight, and drops all keys. */
  async close(): Promise<void> {
    await this.#queue.drain();
    await this.#writer.close();
    this.#keyring.close();
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
    let refused: number | undefined;
    let refusals = 0;
    while (batch.some(({ isAwaited }) => isAwaited)) {
      const changes = await this.read((tree) => toChanges(tree, batch));
      if (changes === undefined || (await this.#writer.commit(changes))) return;
      refusals = refused === changes.replaces ? refusals + 1 : 0;
      refused = changes.replaces;
      if (refusals === REFUSALS) await this.closeAndFail();
    }
  }

  private async closeAndFail(): Promise<never> {
    await this.#writer.close();
    throw unavailable(
      'The file of the store was exchanged while processes had it open. Nothing was written; start these processes again.',
    );
  }

  private treeOf(file: PageFile): SealedTree {
    const head = headOf(file);
    const header = decodeHeader(head);
    const keys = this.#keyring.keysFor(header.derivation);
    return new SealedTree(header, decodeRoot(head, header, keys), keys, (key) => file.find(key));
  }
}

function toChanges(tree: SealedTree, batch: readonly PendingChange[]): SealedChanges | undefined {
  const draft = new Draft(tree);
  for (const change of batch) change.apply(draft);
  if (!draft.isChanged) return undefined;
  draft.purge(Date.now(), PURGED_BUCKETS);
  return draft.seal();
}

function headOf(file: PageFile): Buffer {
  const head = file.find(HEAD_KEY);
  if (head === undefined) throw new Damage();
  return head;
}
