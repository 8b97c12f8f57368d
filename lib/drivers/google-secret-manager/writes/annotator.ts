import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { backoffMs, jittered } from '../../../core/time/backoff';
import type { HttpSteps } from '../../http/wire/http-request';
import { assertSize } from '../api/annotations';
import { assertName } from '../api/name-collisions';
import type { Annotations, SecretCall, SecretsApi } from '../api/secrets-api';
import { paused } from './pausing';

const MAX_ATTEMPTS = 5;
/** Google takes two changes a second of one secret. */
const PAUSES = { firstMs: 200, longestMs: 1_000 };

/**
 * Adds annotations to those of a secret. Google replaces the whole map, so the others are read first, and the change
 * is repeated if somebody else was faster.
 *
 * Returns `false` if there is no such secret.
 */
export function* addAnnotations(
  api: SecretsApi,
  call: SecretCall,
  added: Annotations,
): HttpSteps<boolean> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const secret = yield* api.get(call);
    if (secret === undefined) return false;
    assertName(secret, call);
    const { annotations, etag } = secret;
    const isThere = Object.entries(added).every(([key, value]) => annotations[key] === value);
    if (isThere) return true;
    const merged = { ...annotations, ...added };
    assertSize(merged);
    const outcome = yield* api.annotate(call, merged, etag);
    if (outcome === undefined) return false;
    if (outcome === 'done') return true;
    yield* paused(jittered(backoffMs(attempt, PAUSES)), call);
  }
  throw new SecretManagerError(
    'CONFLICT',
    `Description and tags of ${quoteName(call.secretName)} were changed by others in each of ${MAX_ATTEMPTS} attempts, and the value was not written. Write again.`,
    { secretName: call.secretName },
  );
}
