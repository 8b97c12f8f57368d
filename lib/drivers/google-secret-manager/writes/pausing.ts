import { pause } from '../../../core/calls/waiting';
import type { HttpSteps } from '../../http/http-request';
import { waitOrBlock } from '../../http/steps';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import type { SecretCall } from '../api/secrets-api';

/** Waits between two requests of a write. */
export function* paused(delayMs: number, { options, secretName }: SecretCall): HttpSteps<void> {
  const context = { manager: 'google-secret-manager', operation: 'writeSecret', secretName };
  yield* waitOrBlock({
    wait: () => pause(delayMs, options, context),
    block: () => {
      throw new SecretManagerError('UNSUPPORTED', 'A write does not block.', context);
    },
  });
}
