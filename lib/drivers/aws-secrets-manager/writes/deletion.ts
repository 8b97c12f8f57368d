import type { DeleteOptions, SecretMetadata } from '../../../core/contract/custom-secret-manager';
import { awsNameOf } from '../../aws/errors';
import type { SecretsManagerApi } from '../sdk/api';
import { isAbsent } from '../sdk/errors';
import { isPendingDeletion } from './pending-deletion';

/** Deletes secrets together with the copies that the manager made in other regions. */
export class SecretDeletion {
  readonly #api: SecretsManagerApi;
  readonly #regions: readonly string[];

  constructor(api: SecretsManagerApi, regions: readonly string[]) {
    this.#api = api;
    this.#regions = regions;
  }

  /** @param windowInDays 0 deletes at once */
  async delete(
    name: string,
    windowInDays: number,
    options: DeleteOptions,
  ): Promise<SecretMetadata> {
    const request =
      windowInDays === 0
        ? { SecretId: name, ForceDeleteWithoutRecovery: true }
        : { SecretId: name, RecoveryWindowInDays: windowInDays };
    try {
      const { DeletionDate } = await this.deleteWithCopies(request, options);
      return { deletionAt: DeletionDate };
    } catch (thrown) {
      if (isAbsent(thrown)) return {};
      if (windowInDays > 0 && (await isPendingDeletion(thrown, this.#api, name, options)))
        return {};
      throw thrown;
    }
  }

  /** Deletes a secret, and its copies first if it has any. AWS refuses to delete a secret with copies. */
  private async deleteWithCopies(
    request: { SecretId: string },
    options: DeleteOptions,
  ): Promise<{ DeletionDate?: Date }> {
    try {
      return await this.#api.delete(request, options);
    } catch (thrown) {
      const hasCopies = awsNameOf(thrown) === 'InvalidParameterException';
      if (!hasCopies || this.#regions.length === 0) throw thrown;
      const regions = { SecretId: request.SecretId, RemoveReplicaRegions: [...this.#regions] };
      await this.#api.endReplication(regions, options);
      return await this.#api.delete(request, options);
    }
  }
}
