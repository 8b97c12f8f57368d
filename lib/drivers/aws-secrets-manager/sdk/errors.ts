import { type AwsError, awsNameOf, toAwsError } from '../../aws/errors';
import { PENDING_DELETION } from './error-rows';
import { SECRETS_MANAGER } from './service';

export function isAbsent(thrown: unknown): boolean {
  return awsNameOf(thrown) === 'ResourceNotFoundException';
}

/** Returns whether the text of AWS reports a pending deletion. */
export function saysPendingDeletion(error: AwsError): boolean {
  return error.isExplainedBy(PENDING_DELETION);
}

/** Translates the failure that a batch reports for one secret. */
export function toErrorOfOne(
  secretName: string,
  name: string | undefined,
  message: string | undefined,
): unknown {
  const call = { action: 'GetSecretValue', secretName };
  return toAwsError({ name, message }, call, SECRETS_MANAGER);
}
