import { randomUUID } from 'node:crypto';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { translateError } from '../../../core/errors/error-table';
import {
  SecretManagerError,
  isSecretManagerError,
} from '../../../core/errors/secret-manager.error';
import { DAY_MS } from '../../../core/time/durations';
import type { SecretsManagerApi } from '../sdk/api';
import { claim, takenError } from './claim';
import type { SecretDeletion } from './deletion';
import { toRegions, type Write } from './write';

/** The time for undoing a restoration, because the deadline of the caller may have passed. */
const UNDO_TIMEOUT_MS = 10_000;

interface State {
  /** The time of deletion; `undefined` if the secret is not pending deletion. */
  readonly deletionAt: Date | undefined;
  readonly currentVersion: string | undefined;
}

/**
 * Writes secrets that are pending deletion. AWS reserves their names and accepts a value only after a restoration.
 * A failed write deletes the secret again, so that no withdrawn value stays in use.
 */
export class SecretRestoration {
  readonly #api: SecretsManagerApi;
  readonly #deletion: SecretDeletion;
  readonly #regions: readonly string[];

  constructor(api: SecretsManagerApi, deletion: SecretDeletion, regions: readonly string[]) {
    this.#api = api;
    this.#deletion = deletion;
    this.#regions = regions;
  }

  /** @param update writes a secret that is not pending deletion */
  async write(
    write: Write,
    update: (write: Write) => Promise<string | undefined>,
  ): Promise<string | undefined> {
    const { name, options } = write;
    const before = await this.readState(name, options);
    if (before.deletionAt === undefined) {
      if (options.createOnly) throw takenError(name);
      return await update(write);
    }
    const claimToken = randomUUID();
    try {
      await this.#api.restore(name, options);
      if (options.createOnly) await claim(this.#api, write, claimToken, before.currentVersion);
      await this.replicate(write);
      return await update(write);
    } catch (thrown) {
      if (isSecretManagerError(thrown) && thrown.code === 'CONFLICT') throw thrown;
      const ownVersions = [before.currentVersion, claimToken, write.token];
      throw await this.undo(thrown, name, before.deletionAt, ownVersions);
    }
  }

  private async replicate({ name, options }: Write): Promise<void> {
    if (this.#regions.length === 0) return;
    const request = { SecretId: name, AddReplicaRegions: toRegions(this.#regions) };
    await this.#api.replicate(request, options);
  }

  /**
   * Deletes the secret again, unless another client wrote it meanwhile. Returns an error with the failure and the
   * outcome. Its code never means "not written", because the former value was readable for a moment.
   */
  private async undo(
    thrown: unknown,
    name: string,
    deletionAt: Date,
    ownVersions: readonly (string | undefined)[],
  ): Promise<unknown> {
    const limits = { timeoutMs: UNDO_TIMEOUT_MS };
    try {
      const { deletionAt: isPending, currentVersion } = await this.readState(name, limits);
      if (isPending) return thrown; // the secret was not restored
      if (!ownVersions.includes(currentVersion))
        return failedAfterRestore(
          thrown,
          name,
          'Somebody else has written it meanwhile, and it is theirs',
        );
      await this.#deletion.delete(name, daysUntil(deletionAt), limits);
      return failedAfterRestore(thrown, name, 'It is pending deletion again');
    } catch {
      return failedAfterRestore(
        thrown,
        name,
        'It may be in use again, with its former value: delete it',
      );
    }
  }

  private async readState(name: string, options: OperationOptions): Promise<State> {
    const { DeletedDate, VersionIdsToStages = {} } = await this.#api.describe(name, options);
    const isCurrent = ([, stages]: [string, string[]]): boolean => stages.includes('AWSCURRENT');
    const current = Object.entries(VersionIdsToStages).find(isCurrent);
    return { deletionAt: DeletedDate, currentVersion: current?.[0] };
  }
}

/** Returns the remaining days of the deletion, within the limits of AWS. */
function daysUntil(deletionAt: Date): number {
  const days = Math.ceil((deletionAt.getTime() - Date.now()) / DAY_MS);
  return Math.min(Math.max(days, 7), 30);
}

function failedAfterRestore(
  thrown: unknown,
  secretName: string,
  outcome: string,
): SecretManagerError {
  const context = { manager: 'aws-secrets-manager', operation: 'writeSecret', secretName };
  const { code, message, retryAfterMs } = translateError(thrown, context);
  return new SecretManagerError(
    'UNKNOWN',
    `${message} The secret had been pending deletion, and was restored to be written. ${outcome}.`,
    { secretName, retryAfterMs, causeCode: code },
  );
}
