import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import type { SecretsManagerApi } from '../sdk/api';
import { AwsError, isAbsent, isDenied } from '../sdk/errors';
import type { SyncSecretsManagerApi } from '../sdk/sync-api';

/** By which names AWS, and emulators of it, refuse what cannot be done to a secret that is pending deletion. */
const SUSPECTS: readonly string[] = ['InvalidRequestException', 'ResourceExistsException'];

/**
 * Whether a call failed because the secret is pending deletion. AWS says so in words only, which it may change: where they do
 * not tell, the secret is asked for its date of deletion.
 */
export async function isPendingDeletion(
  thrown: unknown,
  api: SecretsManagerApi,
  secretName: string,
  options: OperationOptions,
): Promise<boolean> {
  const said = pendingDeletionIn(thrown);
  if (said !== undefined) return said;
  try {
    const { DeletedDate } = await api.describe(secretName, options);
    return DeletedDate !== undefined;
  } catch (error) {
    if (isAbsent(error) || isDenied(error)) return false; // then the first failure stands
    throw error;
  }
}

/** As `isPendingDeletion`, blocking. */
export function isPendingDeletionSync(
  thrown: unknown,
  api: SyncSecretsManagerApi,
  secretName: string,
  options: OperationOptions,
): boolean {
  const said = pendingDeletionIn(thrown);
  if (said !== undefined) return said;
  try {
    return api.describe(secretName, options).DeletedDate !== undefined;
  } catch (error) {
    if (isAbsent(error) || isDenied(error)) return false;
    throw error;
  }
}

/** `undefined` where the secret has to be asked for. */
function pendingDeletionIn(thrown: unknown): boolean | undefined {
  if (!(thrown instanceof AwsError) || !SUSPECTS.includes(thrown.awsName)) return false;
  return thrown.saysPendingDeletion ? true : undefined;
}
