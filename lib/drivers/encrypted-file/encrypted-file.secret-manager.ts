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
} from '../../core/custom-secret-manager';
import { unknownOptions } from '../../core/option-rules';
import { assertNoParams } from '../../core/params';
import { isSecretManagerError } from '../../core/secret-manager.error';
import { quoteName } from '../../core/secret-name';
import { read } from '../../core/untrusted';
import { deleteFrom, isThere, withoutExpired, writeTo } from './changes';
import { EncryptedStore, type Snapshot } from './encrypted-store';
import { keyProblems, toKeySource, type KeyOptions } from './key-source';
import { Keyring } from './keyring';
import { misconfigured } from './problems';
import { unseal, type SecretContent } from './sealing';

const OPTIONS = ['path', 'key', 'keyFile', 'passphrase'];

/** Where the store is, and exactly one of `key`, `keyFile` and `passphrase`. */
export interface EncryptedFileSecretManagerOptions extends KeyOptions {
  /**
   * The file that holds the secrets. It is made at start, with its folder, if there is none. A relative path, also that of
   * `keyFile`, starts at the directory in which the process is when the manager is made.
   */
  readonly path: string;
}

/** A secret of the store, without its content. */
export interface ListedSecret {
  readonly name: string;
  readonly version?: string;
  /** The time at which the store removes a secret that was deleted. */
  readonly deletionAt?: Date;
}

/**
 * Secrets in one encrypted file, for an application that has no store but its disk. Values, descriptions and tags are sealed
 * with AES-256-GCM. Names, versions and times can be read by everybody who reads the file; a change of them is found out.
 *
 * Several processes may share the file. What was written is on the disk when the write resolves. `validateEnvironment` makes the
 * store; one that is gone later is `UNAVAILABLE`, and is not made anew.
 */
export class EncryptedFileSecretManager extends CustomSecretManager {
  readonly #path: string;
  readonly #problems: readonly string[];
  readonly #store: EncryptedStore;

  constructor(options: EncryptedFileSecretManagerOptions) {
    super('encrypted-file');
    const { path, ...keyOptions } = options;
    this.#problems = [
      ...unknownOptions(options, OPTIONS),
      ...pathProblems(path, keyOptions),
      ...keyProblems(keyOptions),
    ];
    const isUsable = this.#problems.length === 0;
    this.#path = isUsable ? resolve(path) : '';
    const source = isUsable ? toKeySource(keyOptions) : undefined;
    this.#store = new EncryptedStore(this.#path, new Keyring(source));
  }

  override async readSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretReading | undefined> {
    this.assertUsable(options);
    return this.reading(await this.#store.open(), secretName);
  }

  override readSecretSync(
    secretName: string,
    options?: OperationOptions,
  ): SecretReading | undefined {
    this.assertUsable(options);
    return this.reading(this.#store.openSync(), secretName);
  }

  override async writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    this.assertUsable(options);
    return await this.#store.change(options, (draft) => writeTo(draft, secretName, value, options));
  }

  /** Keeps the secret restorable until `deletionAt`; one that is pending deletion stays so until then, or is removed with 0 days. */
  override async deleteSecret(
    secretName: string,
    options: DeleteOptions = {},
  ): Promise<SecretMetadata> {
    this.assertUsable(options);
    const { recoveryWindowInDays = DEFAULT_RECOVERY_WINDOW_IN_DAYS } = options;
    return await this.#store.change(options, (draft) =>
      deleteFrom(draft, secretName, recoveryWindowInDays),
    );
  }

  override async describeSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretDescription> {
    this.assertUsable(options);
    const { description, tags } = this.content(await this.#store.open(), secretName) ?? {};
    return { description, tags };
  }

  /** Resolves to all secrets in the order of their names, those that are pending deletion included. */
  async listSecrets(options?: OperationOptions): Promise<readonly ListedSecret[]> {
    this.assertUsable(options);
    const records = withoutExpired((await this.#store.open()).records);
    const secrets = [...records.values()].map(({ name, version, deletionAt }) => ({
      name,
      version,
      ...(deletionAt === undefined ? {} : { deletionAt: new Date(deletionAt) }),
    }));
    return secrets.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Opens the store, or makes it. Rejects with all that is wrong with options, key and file. */
  override async validateEnvironment(): Promise<void> {
    this.assertUsable();
    try {
      await this.#store.openOrCreate();
    } catch (thrown) {
      if (isSecretManagerError(thrown)) throw thrown;
      throw misconfigured(
        `The store at ${quoteName(this.#path)} can be neither opened nor made (${String(read(thrown, 'code'))}). ` +
          'Let the user of the process read it, and write in its folder.',
      );
    }
  }

  /** Resolves to `true` if the store can be read and opened, and rejects if not. */
  override async checkHealth(): Promise<boolean> {
    this.assertUsable();
    await this.#store.open();
    return true;
  }

  override async close(): Promise<void> {
    await this.#store.close();
  }

  private reading(snapshot: Snapshot, secretName: string): SecretReading | undefined {
    const content = this.content(snapshot, secretName);
    const version = snapshot.records.get(secretName)?.version;
    return content && { value: content.value, version };
  }

  private content(snapshot: Snapshot, secretName: string): SecretContent | undefined {
    const record = snapshot.records.get(secretName);
    return isThere(record) ? unseal(this.#store.keysOf(snapshot).sealing, record) : undefined;
  }

  private assertUsable({ params }: OperationOptions = {}): void {
    if (this.#problems.length > 0) {
      const problems = this.#problems.map((problem) => `- ${problem}`).join('\n');
      throw misconfigured(`The options of EncryptedFileSecretManager are wrong:\n${problems}`);
    }
    assertNoParams(params, 'an encrypted file keeps one version of a secret, and knows no tenants');
  }
}

function pathProblems(path: unknown, { keyFile }: KeyOptions): string[] {
  if (typeof path !== 'string' || path === '') return ['`path` must be the path of a file'];
  const isSame = typeof keyFile === 'string' && resolve(path) === resolve(keyFile);
  return isSame ? ['`path` and `keyFile` must be different files'] : [];
}
