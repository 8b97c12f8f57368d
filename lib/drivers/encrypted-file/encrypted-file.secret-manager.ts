import { resolve } from 'node:path';
import {
  CustomSecretManager,
  DEFAULT_RECOVERY_WINDOW_IN_DAYS,
  type DeleteOptions,
  type OperationOptions,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../../core/contract/custom-secret-manager';
import { read } from '../../core/errors/safe-access';
import { isSecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { unknownOptions } from '../../core/validation/option-rules';
import { assertNoParams } from '../../core/validation/params';
import { assertSecretName } from '../../core/validation/secret-name';
import { warnOfReadableKey } from './files/ownership';
import { isDiskError, misconfigured } from './files/problems';
import { keyProblems, toKeySource, type KeyOptions } from './keys/key-source';
import { Keyring } from './keys/keyring';
import type { SealedTree, SecretContent } from './seals/sealed-tree';
import { deleteFrom, isKept, isPresent, writeTo } from './store/changes';
import { EncryptedStore } from './store/encrypted-store';
import { open } from './store/opening';

const OPTIONS = ['path', 'key', 'keyFile', 'passphrase', 'create'];

/** The path of the store, and exactly one of `key`, `keyFile` and `passphrase`. */
export interface EncryptedFileSecretManagerOptions extends KeyOptions {
  /**
   * The file that holds the secrets. Relative paths, including that of `keyFile`, are resolved against the working
   * directory when the manager is constructed.
   */
  readonly path: string;
  /**
   * Creates a missing store at start, with its folder and its key file. Default `true`. With `false`, a missing store is
   * `MISCONFIGURED`, so a volume that is not mounted is found.
   */
  readonly create?: boolean;
}

/** A secret of the store, without its content. */
export interface ListedSecret {
  readonly name: string;
  readonly version?: string;
  /** The time at which the store removes the deleted secret. */
  readonly deletionAt?: Date;
}

/**
 * Secrets in one encrypted file, for an application that has no store but its disk. LMDB manages the file, and needs
 * the package `lmdb`. Names, values, descriptions, tags and times are sealed with AES-256-GCM. Anybody who can read
 * the file sees the number and the lengths of the secrets.
 *
 * A read fails with `MALFORMED` if its secret was removed, exchanged, changed or reset to an older version. Start and
 * health check verify every secret. An older copy of the whole file cannot be detected. Anybody who can write the
 * file can make it unusable.
 *
 * Several processes of one machine may share the file. A write resolves when it is on the disk. `validateEnvironment`
 * creates the store, and converts one of the first format. A store that is missing later is `UNAVAILABLE`, and is not
 * created again.
 */
export class EncryptedFileSecretManager extends CustomSecretManager {
  readonly #path: string;
  readonly #creates: boolean;
  readonly #problems: readonly string[];
  readonly #keyring: Keyring;
  readonly #store: EncryptedStore;
  readonly #openings = new Set<Promise<void>>();

  constructor(options: EncryptedFileSecretManagerOptions) {
    super('encrypted-file');
    const { path, create = true, ...keyOptions } = options;
    this.#problems = [
      ...unknownOptions(options, OPTIONS),
      ...pathProblems(path, keyOptions),
      ...(typeof create === 'boolean' ? [] : ['`create` must be `true` or `false`']),
      ...keyProblems(keyOptions),
    ];
    const isUsable = this.#problems.length === 0;
    this.#path = isUsable ? resolve(path) : '';
    this.#creates = create;
    this.#keyring = new Keyring(isUsable ? toKeySource(keyOptions) : undefined);
    this.#store = new EncryptedStore(this.#path, this.#keyring);
  }

  override async readSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretReading | undefined> {
    this.assertUsableFor(secretName, options);
    return await this.#store.read((tree) => readingOf(tree, secretName));
  }

  override readSecretSync(
    secretName: string,
    options?: OperationOptions,
  ): SecretReading | undefined {
    this.assertUsableFor(secretName, options);
    return this.#store.readSync((tree) => readingOf(tree, secretName));
  }

  override async writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    this.assertUsableFor(secretName, options);
    return await this.#store.change(options, (draft) => writeTo(draft, secretName, value, options));
  }

  /**
   * Keeps the secret restorable until `deletionAt`. A secret that is already pending deletion keeps its date; 0 days
   * remove it at once.
   */
  override async deleteSecret(
    secretName: string,
    options: DeleteOptions = {},
  ): Promise<SecretMetadata> {
    this.assertUsableFor(secretName, options);
    const { recoveryWindowInDays = DEFAULT_RECOVERY_WINDOW_IN_DAYS } = options;
    return await this.#store.change(options, (draft) =>
      deleteFrom(draft, secretName, recoveryWindowInDays),
    );
  }

  override async describeSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretDescription> {
    this.assertUsableFor(secretName, options);
    const content = await this.#store.read((tree) => contentOf(tree, secretName));
    return { description: content?.description, tags: content?.tags };
  }

  /**
   * Resolves to all secrets in the order of their names, including those that are pending deletion. Decrypts no
   * value.
   */
  async listSecrets(options?: OperationOptions): Promise<readonly ListedSecret[]> {
    this.assertUsable(options);
    const entries = await this.#store.read((tree) => [...tree.entries()]);
    const secrets = entries.filter(isKept).map(({ name, version, deletionAt }) => ({
      name,
      version: String(version),
      ...(deletionAt !== undefined && { deletionAt: new Date(deletionAt) }),
    }));
    return secrets.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Opens the store, or creates it. Rejects with every problem of options, key, store, owners and modes. */
  override async validateEnvironment(): Promise<void> {
    this.assertUsable();
    const opening = this.open();
    this.#openings.add(opening);
    try {
      await opening;
    } catch (thrown) {
      if (isSecretManagerError(thrown)) throw thrown;
      throw this.notOpened(read(thrown, 'code'));
    } finally {
      this.#openings.delete(opening);
    }
    warnOfReadableKey(this.#keyring.keyFile);
  }

  /**
   * Resolves to `true` if every secret can be decrypted, and rejects if not. A large store is verified only now and
   * then, so that health checks take at most 5 % of the time.
   */
  override async checkHealth(): Promise<boolean> {
    this.assertUsable();
    await this.#store.verifyIfDue();
    return true;
  }

  /** Waits for the start and the writes in flight, and drops all keys. */
  override async close(): Promise<void> {
    await Promise.allSettled(this.#openings);
    await this.#store.close();
  }

  private async open(): Promise<void> {
    await open(this.#path, this.#keyring, this.#creates);
    await this.#store.verify();
  }

  private notOpened(code: unknown): Error {
    const remedy = isDiskError(code)
      ? 'The disk is full, over its quota or failing: free some space.'
      : 'Let the user of the process read it, and write in its folder.';
    return misconfigured(
      `The store at ${quoteName(this.#path)} can be neither opened nor made (${String(code)}). ${remedy}`,
    );
  }

  private assertUsable({ params }: OperationOptions = {}): void {
    if (this.#problems.length > 0) {
      const problems = this.#problems.map((problem) => `- ${problem}`).join('\n');
      throw misconfigured(`The options of EncryptedFileSecretManager are wrong:\n${problems}`);
    }
    assertNoParams(params, 'an encrypted file keeps one version of a secret, and knows no tenants');
  }

  private assertUsableFor(secretName: string, options?: OperationOptions): void {
    this.assertUsable(options);
    if (typeof secretName !== 'string') assertSecretName(secretName); // a file can hold any text
  }
}

function readingOf(tree: SealedTree, secretName: string): SecretReading | undefined {
  const entry = tree.entry(secretName);
  if (entry === undefined || !isPresent(entry)) return undefined;
  return { value: tree.content(entry).value, version: String(entry.version) };
}

function contentOf(tree: SealedTree, secretName: string): SecretContent | undefined {
  const entry = tree.entry(secretName);
  return entry !== undefined && isPresent(entry) ? tree.content(entry) : undefined;
}

function pathProblems(path: unknown, { keyFile }: KeyOptions): string[] {
  if (typeof path !== 'string' || path === '') return ['`path` must be the path of a file'];
  const isSame = typeof keyFile === 'string' && resolve(path) === resolve(keyFile);
  return isSame ? ['`path` and `keyFile` must be different files'] : [];
}
