import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { AwsError, isDenied } from '../../aws/errors';
import type { SecretsManagerApi } from '../sdk/api';
import { isAbsent, saysPendingDeletion } from '../sdk/errors';
import type { SyncSecretsManagerApi } from '../sdk/sync-api';

/** The errors with which AWS and its emulators refuse calls on a secret that is pending deletion. */
const SUSPECTS: readonly string[] = ['InvalidRequestException', 'ResourceExistsException'];

/**
 * Resolves to whether a call failed because the secret is pending deletion. AWS reports this only as text, which
 * may change. An unclear text makes the driver ask for the deletion date.
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
    if (isAbsent(error) || isDenied(error)) return false; // the first error stands
    throw error;
  }
}

/** The blocking form of `isPendingDeletion`. */
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

/** Returns `undefined` if only the secret itself can tell. */
function pendingDeletionIn(thrown: unknown): boolean | undefined {
  if (!(thrown instanceof AwsError) || !SUSPECTS.includes(thrown.awsName)) return false;
  return saysPendingDeletion(thrown) ? true : undefined;
}
