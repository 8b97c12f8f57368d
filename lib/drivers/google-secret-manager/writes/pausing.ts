import type { HttpSteps } from '../../http/wire/http-request';
import * as steps from '../../http/wire/steps';
import type { SecretCall } from '../api/secrets-api';

/** Waits between two requests of a write. */
export function paused(delayMs: number, { options, secretName }: SecretCall): HttpSteps<void> {
  const context = { manager: 'google-secret-manager', operation: 'writeSecret', secretName };
  return steps.paused(delayMs, options, context);
}
