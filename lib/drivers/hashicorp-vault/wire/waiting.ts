import * as waiting from '../../../core/calls/waiting';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';

/** The context of an error in this folder. The boundary of the pipeline completes it. */
export const CONTEXT = { manager: 'hashicorp-vault', operation: 'request' };

/** Waits for shared work until the deadline of this call. Rejects with `TIMEOUT` or `CANCELLED`. */
export function waitFor<Outcome>(
  work: Promise<Outcome>,
  options: OperationOptions,
): Promise<Outcome> {
  return waiting.waitFor(work, options, CONTEXT, () => timedOut());
}

/** @param place method, host and path of a single request */
export function timedOut(place?: string): SecretManagerError {
  const meaning =
    'The server did not answer within the time that the call may take. Check the server, or give the call more time.';
  return new SecretManagerError(
    'TIMEOUT',
    place === undefined ? meaning : `${meaning} (${place})`,
    CONTEXT,
  );
}
