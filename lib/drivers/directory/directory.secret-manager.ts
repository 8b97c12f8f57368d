import { opendirSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import {
  CustomSecretManager,
  type OperationOptions,
  type SecretReading,
} from '../../core/contract/custom-secret-manager';
import { read } from '../../core/errors/safe-access';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { assertKnownOptions } from '../../core/validation/option-rules';
import { assertNoParams } from '../../core/validation/params';
import type { RegularFile } from '../../files/regular-file';
import { DirectoryWatch, KnownFiles } from './directory-watch';
import { lookUp, lookUpSync } from './look-up';
import { assertNamesFile, explainMount, toReading, versionOf } from './secret-file';

export interface DirectorySecretManagerOptions {
  /**
   * The directory in which the secrets are mounted. Default: the variable `CREDENTIALS_DIRECTORY`, which systemd sets for
   * a service with `LoadCredential=` or `SetCredentialEncrypted=`, else `/run/secrets`.
   */
  readonly path?: string;
  /**
   * Keeps the line break at the end of a file as a part of the secret. Default `false`: one LF or CRLF is dropped.
   */
  readonly keepTrailingNewline?: boolean;
}

const DEFAULT_PATH = '/run/secrets';
const OPTIONS = ['path', 'keepTrailingNewline'];
const NO_PARAMS = 'a directory knows one version of a secret, and no tenants';

/**
 * Secrets that Docker, Kubernetes or systemd mounts as files: `team/password` is the file `password` in the folder `team`. The
 * manager only reads. It reads the file each time, so an exchanged secret takes effect at once. A byte order mark at
 * the beginning and a line break at the end are dropped.
 *
 * A cached secret whose file has changed is read again within 2 s.
 *
 * The manager follows links that end inside the directory. It checks the file that it has opened, so exchanging a
 * link meanwhile leads nowhere else. A missing directory is `UNAVAILABLE`, and never an absent secret.
 */
export class DirectorySecretManager extends CustomSecretManager {
  readonly #path: string;
  readonly #keepsNewline: boolean;
  readonly #files = new KnownFiles();

  /** Throws `MISCONFIGURED` for an unknown option. */
  constructor(options: DirectorySecretManagerOptions = {}) {
    super('directory');
    assertKnownOptions('DirectorySecretManager', options, OPTIONS);
    const { path = credentialsDirectory() ?? DEFAULT_PATH, keepTrailingNewline = false } = options;
    this.#path = path;
    this.#keepsNewline = keepTrailingNewline;
  }

  override async readSecret(
    secretName: string,
    { params }: OperationOptions = {},
  ): Promise<SecretReading | undefined> {
    assertNoParams(params, NO_PARAMS);
    assertNamesFile(secretName);
    const reading = this.readingOf(await lookUp(this.#path, secretName), secretName);
    if (reading !== undefined) return reading;
    await this.checkHealth(); // the directory itself may be missing
    return undefined;
  }

  override readSecretSync(
    secretName: string,
    { params }: OperationOptions = {},
  ): SecretReading | undefined {
    assertNoParams(params, NO_PARAMS);
    assertNamesFile(secretName);
    const reading = this.readingOf(lookUpSync(this.#path, secretName), secretName);
    if (reading !== undefined) return reading;
    this.assertMountedSync();
    return undefined;
  }

  /** Reports the files that were read before and have changed since. Only this instance hears of them. */
  override watchSecrets(
    onChange: (secretNames: readonly string[]) => void,
    { signal }: { readonly signal: AbortSignal },
  ): void {
    if (signal.aborted) return;
    const watch = new DirectoryWatch(this.#path, this.#files, onChange);
    watch.start();
    signal.addEventListener('abort', () => watch.close(), { once: true });
  }

  /** Rejects with `MISCONFIGURED` unless the directory exists and can be read. */
  override async validateEnvironment(): Promise<void> {
    try {
      await this.list();
    } catch (thrown) {
      throw new SecretManagerError(
        'MISCONFIGURED',
        `The directory of secrets, ${quoteName(this.#path)}, cannot be read (${String(read(thrown, 'code'))}). ` +
          'Mount it there, or give the `path` where it is, and let the user of the process read it.',
      );
    }
  }

  /** Resolves to `true` if the directory can be read, and rejects if not. */
  override async checkHealth(): Promise<boolean> {
    try {
      await this.list();
      return true;
    } catch (thrown) {
      throw explainMount(thrown, this.#path);
    }
  }

  private readingOf(file: RegularFile | undefined, secretName: string): SecretReading | undefined {
    this.#files.set(secretName, file && versionOf(file.stats));
    return file && toReading(file, secretName, this.#keepsNewline);
  }

  private async list(): Promise<void> {
    await (await opendir(this.#path)).close();
  }

  private assertMountedSync(): void {
    try {
      opendirSync(this.#path).closeSync();
    } catch (thrown) {
      throw explainMount(thrown, this.#path);
    }
  }
}

/** Returns the directory of the credentials of a systemd service. An empty variable counts as unset. */
function credentialsDirectory(): string | undefined {
  const { CREDENTIALS_DIRECTORY: path } = process.env;
  return path === '' ? undefined : path;
}
