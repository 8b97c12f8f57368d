import type { SecretMetadata } from '../../../core/contract/custom-secret-manager';
import { translateError } from '../../../core/errors/error-table';
import { hasCode, SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { HttpSteps } from '../../http/wire/http-request';
import { pauseAfter } from './polling';
import { bundleOf, type SecretBundle } from './secret-bundle';
import type { SecretCall } from './secret-call';
import type { SecretReader } from './secret-reader';
import { isAbsent, isBusy, vaultError } from '../wire/vault-errors';
import { deletedPath, secretPath, type VaultRequests } from '../wire/vault-requests';

/** The outcome of a deletion: the vault had the secret, is deleting it already, or does not know it. */
type Deleted = { readonly secret: SecretBundle } | 'before' | 'absent';

/** Deletes secrets. A deleted secret stays recoverable for as long as the vault says, unless it is purged. */
export class SecretDeletion {
  readonly #requests: VaultRequests;
  readonly #reader: SecretReader;
  readonly #checksNames: boolean;

  /** @param checksNames whether names are mapped, so that the secret may be one of another name */
  constructor(requests: VaultRequests, reader: SecretReader, checksNames: boolean) {
    this.#requests = requests;
    this.#reader = reader;
    this.#checksNames = checksNames;
  }

  /** @param days the time for which the secret has to stay recoverable; 0 purges it; default: that of the vault */
  *delete(call: SecretCall, days: number | undefined): HttpSteps<SecretMetadata> {
    assertDays(days);
    if (this.#checksNames || Number(days) > 0) yield* this.assertDeletable(call, days);
    const deleted = yield* this.begin(call);
    if (days === 0) return yield* this.purgeAll(call, deleted);
    return typeof deleted === 'string' ? {} : { deletionAt: deleted.secret.purgeAt };
  }

  /**
   * Throws `UNSUPPORTED` if the vault would keep the secret for less time, and `INVALID_ARGUMENT` for a secret of
   * another name. A login that may not read cannot know either.
   */
  private *assertDeletable(call: SecretCall, days = 0): HttpSteps<void> {
    const found = yield* this.findIfAllowed(call);
    const { recoverableDays = 0 } = found ?? { recoverableDays: days };
    if (recoverableDays >= days) return;
    throw new SecretManagerError(
      'UNSUPPORTED',
      `The vault keeps deleted secrets for ${recoverableDays} days, and cannot keep ${quoteName(call.secretName)} for ` +
        `${days}. Leave \`recoveryWindowInDays\` out. Nothing was deleted.`,
    );
  }

  private *findIfAllowed(call: SecretCall): HttpSteps<SecretBundle | undefined> {
    try {
      return yield* this.#reader.find(call);
    } catch (error) {
      if (hasCode(error, 'ACCESS_DENIED') || hasCode(error, 'NOT_FOUND')) return undefined;
      throw error;
    }
  }

  private *begin({ secretName, storedName, options }: SecretCall): HttpSteps<Deleted> {
    for (let attempt = 1; ; attempt++) {
      const answer = yield* this.#requests.send('DELETE', secretPath(storedName), options);
      const secret = bundleOf(answer);
      if (secret !== undefined) return { secret };
      if (isAbsent(answer)) return 'absent';
      if (
        isBusy(answer, 'ObjectIsBeingDeleted') ||
        isBusy(answer, 'ObjectIsDeletedButRecoverable')
      ) {
        return 'before';
      }
      if (!isBusy(answer, 'ObjectIsBeingRecovered')) {
        throw vaultError(answer, `Deleting ${quoteName(secretName)}`);
      }
      yield* pauseAfter(attempt, options);
    }
  }

  /** Purges a deleted secret. Fails with `UNKNOWN` if the secret is deleted, and not purged. */
  private *purgeAll(call: SecretCall, deleted: Deleted): HttpSteps<SecretMetadata> {
    if (typeof deleted === 'object' && !deleted.secret.isRecoverable) return {};
    try {
      yield* this.purge(call, deleted === 'absent');
      return {};
    } catch (error) {
      if (deleted === 'absent') throw error;
      throw notPurged(error, call.secretName);
    }
  }

  /** @param mayBeAbsent whether a vault without the deleted secret needs no purge. It may still be deleting it. */
  private *purge(call: SecretCall, mayBeAbsent: boolean): HttpSteps<void> {
    const { secretName, storedName, options } = call;
    for (let attempt = 1; ; attempt++) {
      const answer = yield* this.#requests.send('DELETE', deletedPath(storedName), options);
      if (answer.statusCode === 204 || (isAbsent(answer) && mayBeAbsent)) return;
      const isPending = isAbsent(answer) || isBusy(answer, 'ObjectIsBeingDeleted');
      if (!isPending) throw vaultError(answer, `Purging ${quoteName(secretName)}`);
      yield* pauseAfter(attempt, options);
    }
  }
}

function assertDays(days: number | undefined): void {
  if (days === undefined || (Number.isInteger(days) && days >= 0)) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `\`recoveryWindowInDays\` must be a whole number of days, or 0 to purge the secret, and is ${days}.`,
  );
}

function notPurged(error: unknown, secretName: string): SecretManagerError {
  const context = { manager: 'azure-key-vault', operation: 'deleteSecret', secretName };
  const { code, message, retryAfterMs } = translateError(error, context);
  return new SecretManagerError(
    'UNKNOWN',
    `${message} The secret is deleted, and not purged: it can still be recovered.`,
    { secretName, retryAfterMs, causeCode: code },
  );
}
