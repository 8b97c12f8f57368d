import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import * as waiting from '../../http/wire/waiting';

/** The context of an error in this folder. The boundary of the pipeline completes it. */
export const CONTEXT = { manager: 'hashicorp-vault', operation: 'request' };

/** Waits for shared work until the deadline of this call. Rejects with `TIMEOUT` or `CANCELLED`. */
export function waitFor<Outcome>(
  work: Promise<Outcome>,
  options: OperationOptions,
): Promise<Outcome> {
  return waiting.waitFor(work, options, CONTEXT);
}
