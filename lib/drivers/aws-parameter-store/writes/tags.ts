import type { Tag } from '@aws-sdk/client-ssm';
import type { WriteOptions } from '../../../core/contract/custom-secret-manager';
import { translateError } from '../../../core/errors/error-table';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import type { ParameterStoreApi, Target } from '../sdk/api';
import { MANAGER_NAME } from '../sdk/service';

/**
 * Adds tags to a parameter that was just overwritten. AWS takes no tags in that call. Rejects with `UNKNOWN`, because the
 * value has been written.
 */
export async function addTags(
  api: ParameterStoreApi,
  target: Target,
  tags: Tag[],
  options: WriteOptions,
): Promise<void> {
  try {
    await api.addTags(target, tags, options);
  } catch (thrown) {
    const { secretName } = target;
    const context = { manager: MANAGER_NAME, operation: 'writeSecret', secretName };
    const { code, message, retryAfterMs } = translateError(thrown, context);
    throw new SecretManagerError(
      'UNKNOWN',
      `${message} The value was written, and its tags were not set. Write it once more, or set them in AWS.`,
      { secretName, retryAfterMs, causeCode: code },
    );
  }
}
