import { statSync } from 'node:fs';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { certificatesOf, isUsable, type Certificates } from './tls';
import type { TlsOptions } from './tls-options';

/** The time within which a file can change twice and keep its modification time. */
const TIME_GRAIN_MS = 2_000;

/** The certificates of new connections. A changed file is read again. */
export class TlsFiles {
  readonly #tls: TlsOptions;
  readonly #paths: readonly string[];
  #usable: Certificates | undefined;
  #stamp: string | undefined;

  /** Wrong options are reported before any request, so that nothing of them is used here. */
  constructor(given?: TlsOptions) {
    const tls = given ?? {};
    this.#tls = tls;
    this.#paths = [tls.caFile, tls.certFile, tls.keyFile].filter((path) => path !== undefined);
  }

  /**
   * Returns the same object until the certificates change. The last usable certificates stay in use while files are
   * missing or do not match each other.
   *
   * Without usable certificates it throws `MISCONFIGURED` for an unreadable file, and `UNAVAILABLE` for files that
   * do not match. The next call reads the files again.
   */
  current(): Certificates {
    if (this.#paths.length === 0) return (this.#usable ??= certificatesOf(this.#tls));
    const stamp = stampOf(this.#paths);
    if (this.#usable !== undefined && stamp !== undefined && stamp === this.#stamp) {
      return this.#usable;
    }
    return this.readAgain(stamp);
  }

  private readAgain(stamp: string | undefined): Certificates {
    try {
      const read = certificatesOf(this.#tls);
      if (!isUsable(read)) throw notUsable();
      this.#stamp = stamp;
      return (this.#usable = isSame(read, this.#usable) ? this.#usable : read);
    } catch (error) {
      if (this.#usable !== undefined) return this.#usable;
      throw error;
    }
  }
}

/** Returns `undefined` if a file is missing, or if its next change might keep the same stamp. */
function stampOf(paths: readonly string[]): string | undefined {
  try {
    const files = paths.map((path) => statSync(path));
    const youngest = Math.max(...files.map(({ mtimeMs, ctimeMs }) => Math.max(mtimeMs, ctimeMs)));
    if (Date.now() - youngest < TIME_GRAIN_MS) return undefined;
    return files.flatMap(({ ino, size, mtimeMs, ctimeMs }) => [ino, size, mtimeMs, ctimeMs]).join();
  } catch {
    return undefined;
  }
}

function isSame(read: Certificates, used: Certificates | undefined): used is Certificates {
  return (
    used !== undefined && read.ca === used.ca && read.cert === used.cert && read.key === used.key
  );
}

function notUsable(): SecretManagerError {
  return new SecretManagerError(
    'UNAVAILABLE',
    'The files of tls do not fit together now, as while somebody replaces them: is each of them complete PEM, and does the ' +
      'key belong to the certificate?',
  );
}
