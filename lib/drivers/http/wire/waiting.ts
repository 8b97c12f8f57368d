import * as waiting from '../../../core/calls/waiting';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import {
  SecretManagerError,
  type OperationContext,
} from '../../../core/errors/secret-manager.error';

/** Waits for shared work until the deadline of this call. Rejects with `TIMEOUT` or `CANCELLED`. */
export function waitFor<Outcome>(
  work: Promise<Outcome>,
  options: OperationOptions,
  context: OperationContext,
): Promise<Outcome> {
  return waiting.waitFor(work, options, context, () => timedOut(context));
}

/** @param place method, host and path of a single request */
export function timedOut(context: OperationContext, place?: string): SecretManagerError {
  const meaning =
    'The server did not answer within the time that the call may take. Check the server, or give the call more time.';
  return new SecretManagerError(
    'TIMEOUT',
    place === undefined ? meaning : `${meaning} (${place})`,
    context,
  );
}
