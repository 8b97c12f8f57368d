import { randomUUID } from 'node:crypto';
import { hasCode, SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { HttpSteps } from '../../http/wire/http-request';
import { CLAIM_ANNOTATION, assertSize } from '../api/annotations';
import { assertName } from '../api/name-collisions';
import type { AddedVersion, Annotations, SecretCall, SecretsApi } from '../api/secrets-api';
import { deletedMeanwhile } from './creation';
import { paused } from './pausing';

/** The pauses before looks at an empty secret: whoever has just created it is about to add its value. */
const PAUSES_MS = [100, 200, 400];

/**
 * Writes the first version of a secret that exists without versions, as one that Terraform made. Throws `CONFLICT`
 * if it has a version, or if another writer claims it at the same time.
 *
 * The claim changes the annotations, with the etag from before the pauses. It succeeds for one of several writers.
 * Google has no condition for adding a version, so a creator that is slower than the pauses can come between. That is
 * `UNKNOWN`.
 */
export function* fillEmptySecret(
  api: SecretsApi,
  call: SecretCall,
  bytes: Buffer,
  added: Annotations,
): HttpSteps<AddedVersion> {
  if (yield* mayHaveVersions(api, call)) throw exists(call);
  const secret = yield* api.get(call);
  if (secret === undefined) throw deletedMeanwhile(call);
  assertName(secret, call);
  for (const pauseMs of PAUSES_MS) {
    yield* paused(pauseMs, call);
    if (yield* api.hasVersions(call)) throw exists(call);
  }
  const claim = { ...secret.annotations, ...added, [CLAIM_ANNOTATION]: randomUUID() };
  assertSize(claim);
  if ((yield* api.annotate(call, claim, secret.etag)) !== 'done') throw exists(call);
  const version = yield* api.addVersion(call, bytes);
  if (version === undefined) throw deletedMeanwhile(call);
  if (version.version !== '1') throw overtaken(call);
  return version;
}

/** A login that may not look at versions takes a secret that exists for one with a value. */
function* mayHaveVersions(api: SecretsApi, call: SecretCall): HttpSteps<boolean> {
  try {
    return (yield* api.hasVersions(call)) ?? false;
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED')) return true;
    throw error;
  }
}

function exists({ secretName }: SecretCall): SecretManagerError {
  return new SecretManagerError(
    'CONFLICT',
    `${quoteName(secretName)} exists already. Write it without \`createOnly\`, or choose another name.`,
    { secretName },
  );
}

function overtaken({ secretName }: SecretCall): SecretManagerError {
  return new SecretManagerError(
    'UNKNOWN',
    `Two writers created ${quoteName(secretName)} at once, and both added a value. Read it, and write it again if it is not yours.`,
    { secretName, causeCode: 'CONFLICT' },
  );
}
