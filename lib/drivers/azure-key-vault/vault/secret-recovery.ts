import { Cancellation, CANCELLATION, type CallOptions } from '../../../core/calls/cancellation';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { countingDown } from '../../../core/time/clock';
import type { HttpClients } from '../../http/wire/http-clients';
import type { HttpSteps } from '../../http/wire/http-request';
import { pauseAfter } from './polling';
import { bundleOf, type SecretBundle } from './secret-bundle';
import type { SecretCall } from './secret-call';
import type { SecretTags } from './secret-tags';
import { isAbsent, isBusy, isDenied, vaultError } from '../wire/vault-errors';
import { deletedPath, secretPath, type VaultRequests } from '../wire/vault-requests';
import type { Warnings } from './warnings';

/** The time to delete a secret again after a failed write, in milliseconds. */
const UNDO_TIMEOUT_MS = 60_000;

/** Recovers deleted secrets for a write, and deletes them again if the write fails. */
export class SecretRecovery {
  readonly #requests: VaultRequests;
  readonly #clients: HttpClients;
  readonly #tags: SecretTags;
  readonly #warnings: Warnings;
  readonly #undoing = new Cancellation();

  constructor(requests: VaultRequests, clients: HttpClients, tags: SecretTags, warnings: Warnings) {
    this.#requests = requests;
    this.#clients = clients;
    this.#tags = tags;
    this.#warnings = warnings;
  }

  /**
   * Begins the recovery of a secret whose deletion is done. Returns its properties, or `undefined` if the vault is
   * still deleting it, or if another client recovered or purged it: a write shows which of these it is.
   */
  *recover(call: SecretCall): HttpSteps<SecretBundle | undefined> {
    const { secretName, storedName, options } = call;
    if (!(yield* this.isDeleted(call))) return undefined;
    const path = `${deletedPath(storedName)}/recover`;
    const answer = yield* this.#requests.send('POST', path, options);
    const recovered = bundleOf(answer);
    const isOver = isAbsent(answer) || isBusy(answer, 'ObjectIsBeingRecovered');
    if (recovered !== undefined || isOver || isBusy(answer, 'ObjectIsBeingDeleted')) {
      return recovered;
    }
    throw vaultError(answer, `Recovering the deleted secret ${quoteName(secretName)}`);
  }

  /** Throws `INVALID_ARGUMENT` for a deleted secret of another name. */
  private *isDeleted({ secretName, storedName, options }: SecretCall): HttpSteps<boolean> {
    const answer = yield* this.#requests.send('GET', deletedPath(storedName), options);
    const deleted = bundleOf(answer);
    if (deleted !== undefined) this.#tags.assertOwn(deleted, secretName, storedName);
    if (deleted !== undefined || isDenied(answer)) return true; // the recovery may be permitted
    if (isAbsent(answer) || isBusy(answer, 'ObjectIsBeingDeleted')) return false;
    throw vaultError(answer, `Looking for the deleted ${quoteName(secretName)}`);
  }

  /**
   * Begins to delete a recovered secret again, unless another value was written meanwhile. Returns at once: the vault
   * takes seconds. A failure is a process warning.
   */
  undo({ secretName, storedName }: SecretCall, version: string | undefined): void {
    const limit: CallOptions = { [CANCELLATION]: this.#undoing };
    const call = { secretName, storedName, options: countingDown(limit, UNDO_TIMEOUT_MS) };
    this.#clients
      .run(this.deleteAgain(call, version), call.options)
      .catch(() => this.#warnings.restored(secretName));
  }

  /** Ends the deletions that are under way. */
  close(): void {
    this.#undoing.cancel(new SecretManagerError('CANCELLED', 'The manager was closed.'));
  }

  private *deleteAgain(call: SecretCall, version: string | undefined): HttpSteps<void> {
    const { secretName, storedName, options } = call;
    for (let attempt = 1; ; attempt++) {
      const current = yield* this.#requests.send('GET', secretPath(storedName), options);
      const found = bundleOf(current);
      if (found !== undefined && found.version !== version) return; // a newer value is there
      if (isDenied(current)) throw vaultError(current, `Reading ${quoteName(secretName)}`);
      if (!isAbsent(current)) {
        const answer = yield* this.#requests.send('DELETE', secretPath(storedName), options);
        if (answer.statusCode === 200) return;
      }
      yield* pauseAfter(attempt, options);
    }
  }
}
