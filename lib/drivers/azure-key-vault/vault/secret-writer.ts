import type { SecretMetadata, WriteOptions } from '../../../core/contract/custom-secret-manager';
import { translateError } from '../../../core/errors/error-table';
import { hasCode, SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { HttpSteps } from '../../http/wire/http-request';
import { pauseAfter } from './polling';
import { bundleOf, type SecretBundle } from './secret-bundle';
import { assertStorable, type SecretCall } from './secret-call';
import type { SecretReader } from './secret-reader';
import type { SecretRecovery } from './secret-recovery';
import type { SecretTags } from './secret-tags';
import { isAbsent, isBusy, vaultError } from '../wire/vault-errors';
import { secretPath, type VaultRequests } from '../wire/vault-requests';
import type { Warnings } from './warnings';

/** The parts of a new version that a vault does not take over from the last one. */
type Inherited = Pick<SecretBundle, 'contentType' | 'tags'>;

const NOTHING: Inherited = { tags: {} };

interface Write {
  readonly call: SecretCall;
  readonly value: string;
  readonly given: WriteOptions;
}

export interface WriterParts {
  readonly requests: VaultRequests;
  readonly reader: SecretReader;
  readonly recovery: SecretRecovery;
  readonly tags: SecretTags;
  readonly warnings: Warnings;
}

/** Writes secrets, whether they exist, are missing, or are deleted and recoverable. */
export class SecretWriter {
  readonly #parts: WriterParts;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  *write(call: SecretCall, value: string, given: WriteOptions): HttpSteps<SecretMetadata> {
    assertStorable(value, call.secretName);
    this.#parts.tags.assertGiven(given);
    const inherited = given.createOnly
      ? yield* this.assertAbsent(call)
      : yield* this.inherited(call);
    const metadata = yield* this.put({ call, value, given }, inherited ?? NOTHING);
    if (inherited === undefined) this.#parts.warnings.propertiesDenied(call.secretName);
    return metadata;
  }

  /** Throws `CONFLICT` for a secret that exists. Another instance may create it after that. */
  private *assertAbsent(call: SecretCall): HttpSteps<Inherited> {
    if (yield* this.exists(call)) {
      throw new SecretManagerError('CONFLICT', `${quoteName(call.secretName)} exists already.`);
    }
    return NOTHING;
  }

  private *exists(call: SecretCall): HttpSteps<boolean> {
    try {
      return (yield* this.#parts.reader.find(call)) !== undefined;
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) return true; // disabled
      throw error;
    }
  }

  /** Returns what a write leaves alone, or `undefined` if the login may not read it. */
  private *inherited(call: SecretCall): HttpSteps<Inherited | undefined> {
    try {
      return (yield* this.#parts.reader.find(call)) ?? NOTHING;
    } catch (error) {
      if (hasCode(error, 'ACCESS_DENIED') || hasCode(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }

  /** Writes until the vault takes the value: it refuses while it deletes or recovers the secret. */
  private *put(write: Write, inherited: Inherited): HttpSteps<SecretMetadata> {
    const { call } = write;
    let recovered: SecretBundle | undefined;
    let wasDeleted = false;
    try {
      for (let attempt = 1; ; attempt++) {
        const answer = yield* this.#parts.requests.send(
          'PUT',
          secretPath(call.storedName),
          call.options,
          { content: this.contentOf(write, recovered ?? inherited) },
        );
        const written = bundleOf(answer);
        if (written !== undefined)
          return { version: written.version, createdAt: written.createdAt };
        if (isBusy(answer, 'ObjectIsDeletedButRecoverable')) {
          wasDeleted = true;
          recovered = (yield* this.#parts.recovery.recover(call)) ?? recovered;
        } else if (
          !isBusy(answer, 'ObjectIsBeingDeleted') &&
          !isBusy(answer, 'ObjectIsBeingRecovered') &&
          !(isAbsent(answer) && wasDeleted)
        ) {
          throw vaultError(answer, `Writing ${quoteName(call.secretName)}`);
        }
        yield* pauseAfter(attempt, call.options);
      }
    } catch (error) {
      if (recovered === undefined) throw error;
      this.#parts.recovery.undo(call, recovered.version);
      throw failedAfterRecovery(error, call.secretName);
    }
  }

  /** Returns the body of a write. The expiry date of the last version was that of the old value, and goes. */
  private contentOf({ call, value, given }: Write, inherited: Inherited): object {
    const tags = this.#parts.tags.merge(inherited.tags, call.secretName, given);
    const { contentType } = inherited;
    return { value, contentType, tags: Object.keys(tags).length > 0 ? tags : undefined };
  }
}

/** Returns an error that never means "not written", because the former value is readable again for a while. */
function failedAfterRecovery(error: unknown, secretName: string): SecretManagerError {
  const context = { manager: 'azure-key-vault', operation: 'writeSecret', secretName };
  const { code, message, retryAfterMs } = translateError(error, context);
  return new SecretManagerError(
    'UNKNOWN',
    `${message} The secret had been deleted, and was recovered to be written. It may be in use with its former value, ` +
      'until the manager has deleted it again.',
    { secretName, retryAfterMs, causeCode: code },
  );
}
