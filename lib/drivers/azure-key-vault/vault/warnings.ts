import { setYoungest } from '../../../core/time/bounded-map';
import { quoteName } from '../../../core/errors/wording';

const MOST = 1_000;

/** The process warnings of one manager. Each is emitted once. */
export class Warnings {
  readonly #emitted = new Map<string, true>();

  /** Warns once for each version of a secret that is served past its end. */
  expired(secretName: string, version: string | undefined): void {
    this.emit(
      `exp ${secretName} ${version}`,
      `The secret ${quoteName(secretName)} is past the expiry date that it has in Azure Key Vault, and is served all ` +
        'the same. Write a new value.',
      'AZURE_SECRET_EXPIRED',
    );
  }

  /** Warns once that the login may write secrets, and may not read their properties. */
  propertiesDenied(secretName: string): void {
    this.emit(
      'properties',
      `The tags and the content type of ${quoteName(secretName)} cannot be read before a write, and are lost unless the ` +
        'call gives them. Allow the login to get secrets, or to list the versions of a disabled one.',
      'AZURE_PROPERTIES_DENIED',
    );
  }

  /** Warns of a former value that a failed write brought back. */
  restored(secretName: string): void {
    this.emit(
      `restored ${secretName}`,
      `The secret ${quoteName(secretName)} was recovered for a write that failed, and may be in use again with its ` +
        'former value. Delete it.',
      'AZURE_SECRET_RESTORED',
    );
  }

  private emit(key: string, message: string, code: string): void {
    if (this.#emitted.has(key)) return;
    setYoungest(this.#emitted, key, true, MOST);
    process.emitWarning(message, { type: 'SecretManagerWarning', code });
  }
}
