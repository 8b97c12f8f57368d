import {
  EncryptedFileSecretManager,
  type EncryptedFileSecretManagerOptions,
} from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { removeTemporaryFolders, temporaryFolder } from './temporary-folder';

/** The store of one test. */
export class StoreOfTest {
  path = '';
  key: Buffer = Buffer.alloc(0);
  readonly #opened: EncryptedFileSecretManager[] = [];
  #manager: EncryptedFileSecretManager | undefined;

  get manager(): EncryptedFileSecretManager {
    if (this.#manager === undefined) throw new Error('No test is running.');
    return this.#manager;
  }

  async begin(): Promise<void> {
    this.path = join(temporaryFolder(), 'secrets');
    this.key = randomBytes(32);
    await this.reopen();
  }

  async end(): Promise<void> {
    for (const manager of this.#opened.splice(0)) await manager.close();
    removeTemporaryFolders();
  }

  /** Opens the same store, or another one, like another process. */
  async opened(
    options: Partial<EncryptedFileSecretManagerOptions> = { key: this.key },
  ): Promise<EncryptedFileSecretManager> {
    const manager = this.unopened(options);
    await manager.validateEnvironment();
    return manager;
  }

  unopened(
    options: Partial<EncryptedFileSecretManagerOptions> = { key: this.key },
  ): EncryptedFileSecretManager {
    const manager = new EncryptedFileSecretManager({ path: this.path, ...options });
    this.#opened.push(manager);
    return manager;
  }

  /** Closes the manager of the test, and opens the store again. */
  async reopen(options?: Partial<EncryptedFileSecretManagerOptions>): Promise<void> {
    await this.#manager?.close();
    this.#manager = await this.opened(options);
  }

  /** Reads in both ways, and asserts that they agree. */
  async valueOf(secretName: string): Promise<string | undefined> {
    const reading = await this.manager.readSecret(secretName);
    assert.deepEqual(this.manager.readSecretSync(secretName), reading);
    return reading?.value;
  }
}

/** Gives each test of a file a new store, and removes it after the test. */
export function useStore(): StoreOfTest {
  const store = new StoreOfTest();
  beforeEach(() => store.begin());
  afterEach(async () => {
    jest.useRealTimers();
    jest.restoreAllMocks();
    await store.end();
  });
  return store;
}
