import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import {
  SecretManagerError,
  type OperationContext,
} from '../../../core/errors/secret-manager.error';
import { backoffMs } from '../../../core/time/backoff';
import { DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import type { HttpSteps } from '../../http/wire/http-request';
import { paused } from '../../http/wire/steps';
import { timedOut } from '../../http/wire/waiting';

/** The pauses while the vault deletes or recovers a secret. It takes seconds. */
const PAUSES = { firstMs: 100, longestMs: 2_000 };

const CONTEXT: OperationContext = { manager: 'azure-key-vault', operation: 'wait' };

/** Waits before the next look at a secret. Throws `TIMEOUT` at the deadline of the call. */
export function* pauseAfter(attempt: number, options: OperationOptions): HttpSteps<void> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const delayMs = Math.min(backoffMs(attempt, PAUSES), timeoutMs);
  yield* paused(delayMs, options, CONTEXT);
  const { timeoutMs: leftMs = DEFAULT_TIMEOUT_MS } = options;
  if (leftMs <= 0) throw timedOut(CONTEXT);
}

/** Throws, because only reads run synchronously. */
export function cannotBlock(): never {
  throw new SecretManagerError('UNSUPPORTED', 'A write cannot block.');
}
