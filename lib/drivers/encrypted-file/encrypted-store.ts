import { mkdir, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { OperationOptions } from '../../core/contract/custom-secret-manager';
import { isSecretManagerError } from '../../core/errors/secret-manager.error';
import { isSame, withoutExpired, type Draft, type SecretRecords } from './changes';
import { withLock } from './file-lock';
import { encodeStore, parseHead, parseRecords, type StoreHead } from './format';
import { makeKeyFile } from './key-file';
import type { Keyring, StoreKeys } from './keyring';
import { Patience } from './patience';
import { misconfigured } from './problems';
import { replaceFile } from './replace-file';
import {
  explain,
  identityOf,
  identityOfSync,
  readStoreFile,
  readStoreFileSync,
  type FileState,
} from './store-file';
import { Turns } from './turns';

/** The store as one file has it; the contents of its records stay sealed. */
export interface Snapshot extends Omit<FileState, 'content'> {
  readonly head: StoreHead;
  readonly records: SecretRecords;
}

/** Sealed records in one file that several processes may share. */
export class EncryptedStore {
  readonly #path: string;
  readonly #keyring: Keyring;
  readonly #turns = new Turns();
  #snapshot: Snapshot | undefined;

  constructor(path: string, keyring: Keyring) {
    this.#path = path;
    this.#keyring = keyring;
  }

  /** Makes the store, and its key file, if there is none; opens it if there is one, and reports all that is wrong with it. */
  async openOrCreate(): Promise<void> {
    if ((await identityOf(this.#path)) === undefined) return await this.create();
    const problems = await Promise.allSettled([
      (async () => this.#keyring.assertUsable())(),
      readStoreFile(this.#path).then(({ content }) => parseHead(content)),
    ]);
    const messages = problems.flatMap((problem) =>
      problem.status === 'rejected' ? [messageOf(problem.reason)] : [],
    );
    if (messages.length > 1) throw misconfigured(messages.join('\n'));
    await this.open();
  }

  /** The store as it is now, whoever has written it. */
  async open(): Promise<Snapshot> {
    this.#keyring.assertUsable();
    const known = this.known(await identityOf(this.#path));
    if (known !== undefined) return known;
    const file = await readStoreFile(this.#path);
    const head = parseHead(file.content);
    await this.#keyring.prepare(head.derivation);
    return this.take(file, head);
  }

  /** As {@link open}, blocking. */
  openSync(): Snapshot {
    this.#keyring.assertUsable();
    const known = this.known(identityOfSync(this.#path));
    if (known !== undefined) return known;
    const file = readStoreFileSync(this.#path);
    return this.take(file, parseHead(file.content));
  }

  keysOf({ head }: Snapshot): StoreKeys {
    return this.#keyring.keysFor(head.derivation);
  }

  /**
   * Changes the store, one change at a time among all processes. When it resolves, the change is on the disk; when it rejects,
   * the store is as it was, unless the disk failed in the end. What has outlived its recovery window is removed on the way.
   */
  change<T>(options: OperationOptions, change: (draft: Draft) => T): Promise<T> {
    const patience = new Patience(options);
    return this.#turns.take(patience, async () => {
      this.#keyring.assertUsable();
      const path = await realpath(this.#path).catch((thrown: unknown) => {
        throw explain(thrown, this.#path);
      });
      return await withLock(`${path}.lock`, patience, async (lock) => {
        const snapshot = await this.open();
        const keys = this.keysOf(snapshot);
        const records = withoutExpired(snapshot.records);
        const writes = snapshot.head.writes + 1;
        const answer = change({ records, version: String(writes), keys });
        if (isSame(records, snapshot.records)) return answer;
        const head = { derivation: snapshot.head.derivation, writes };
        const content = encodeStore(head, records.values(), keys);
        await replaceFile(path, content, snapshot.identity, lock);
        return answer;
      });
    });
  }

  /** Lets the writes end that are under way, and drops all keys. */
  async close(): Promise<void> {
    await this.#turns.end();
    this.#keyring.close();
    this.#snapshot = undefined;
  }

  private async create(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    await withLock(`${this.#path}.lock`, new Patience(), async (lock) => {
      if ((await identityOf(this.#path)) !== undefined) return; // another process was faster
      const { keyFile } = this.#keyring;
      if (keyFile !== undefined) await makeKeyFile(keyFile);
      const derivation = this.#keyring.newDerivation();
      await this.#keyring.prepare(derivation);
      const content = encodeStore({ derivation, writes: 0 }, [], this.#keyring.keysFor(derivation));
      await replaceFile(this.#path, content, undefined, lock);
    });
    await this.open();
  }

  private known(identity: string | undefined): Snapshot | undefined {
    const isCurrent = this.#snapshot?.isSettled && this.#snapshot.identity === identity;
    return isCurrent ? this.#snapshot : undefined;
  }

  private take({ content, ...state }: FileState, head: StoreHead): Snapshot {
    const records = parseRecords(content, head, this.#keyring.keysFor(head.derivation));
    this.#snapshot = { ...state, head, records };
    return this.#snapshot;
  }
}

function messageOf(thrown: unknown): string {
  return isSecretManagerError(thrown) ? thrown.message : 'The store cannot be read.';
}
