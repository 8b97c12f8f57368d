import {
  hasCode,
  isSecretManagerError,
  SecretManagerError,
  type SecretManagerErrorCode,
} from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { countingDown } from '../../../core/time/clock';
import type { HttpClients } from '../../http/wire/http-clients';
import type { HttpSteps } from '../../http/wire/http-request';
import { waitOrBlock } from '../../http/wire/steps';
import type { AddedVersion, Annotations, SecretCall, SecretsApi } from '../api/secrets-api';

/** The time of a clean-up. It has its own, because the deadline of the call may have passed. */
const CLEAN_UP_MS = 5_000;

/** The codes after which a version may have been added all the same. */
const UNKNOWN_OUTCOMES: readonly (SecretManagerErrorCode | undefined)[] = [
  undefined, // a failed connection
  'TIMEOUT',
  'CANCELLED',
  'UNAVAILABLE',
  'MALFORMED',
  'UNKNOWN',
];

/** Creates secrets with their first version. Google takes two calls for that. */
export class SecretCreation {
  readonly #api: SecretsApi;
  readonly #clients: HttpClients;

  /** @param clients send the requests of a clean-up */
  constructor(api: SecretsApi, clients: HttpClients) {
    this.#api = api;
    this.#clients = clients;
  }

  /**
   * Creates the secret and adds its value. Returns `undefined` if it exists. A secret whose value could not be added
   * is deleted again, or the error is `UNKNOWN`.
   */
  *create(
    call: SecretCall,
    bytes: Buffer,
    annotations: Annotations,
  ): HttpSteps<AddedVersion | undefined> {
    const created = yield* this.#api.create(call, annotations);
    if (created === undefined) return undefined;
    try {
      const added = yield* this.#api.addVersion(call, bytes);
      if (added !== undefined) return added;
    } catch (error) {
      yield* this.removeAgain(call, created.etag, error);
      throw error;
    }
    throw deletedMeanwhile(call);
  }

  /** Deletes the secret of a failed creation, unless somebody else has written it meanwhile. */
  private *removeAgain(
    call: SecretCall,
    etag: string | undefined,
    failure: unknown,
  ): HttpSteps<void> {
    const code = isSecretManagerError(failure) ? failure.code : undefined;
    const isRefused = !UNKNOWN_OUTCOMES.includes(code);
    const options = countingDown({}, CLEAN_UP_MS);
    const steps = removal(this.#api, { ...call, options }, etag);
    const isRemoved = yield* waitOrBlock({
      wait: () => this.#clients.run(steps, options).catch(() => undefined),
      block: () => undefined, // no write blocks
    });
    const isOfOthers = isRemoved === false && isRefused;
    if (isRemoved !== true && !isOfOthers) throw leftBehind(call, code);
  }
}

/**
 * Returns `false` if the secret has a version, and is left alone. A login that may not look at versions deletes it by
 * the etag of its creation.
 */
function* removal(api: SecretsApi, call: SecretCall, etag: string | undefined): HttpSteps<boolean> {
  try {
    if (yield* api.hasVersions(call)) return false;
  } catch (error) {
    if (!hasCode(error, 'ACCESS_DENIED')) throw error;
  }
  yield* api.delete(call, etag);
  return true;
}

function leftBehind(
  { secretName }: SecretCall,
  causeCode: SecretManagerErrorCode = 'UNAVAILABLE',
): SecretManagerError {
  return new SecretManagerError(
    'UNKNOWN',
    `${quoteName(secretName)} was created, its value could not be added (${causeCode}), and the secret could not be deleted again. It may have no value: write it again, or delete it.`,
    { secretName, causeCode },
  );
}

export function deletedMeanwhile({ secretName }: SecretCall): SecretManagerError {
  return new SecretManagerError(
    'CONFLICT',
    `Somebody deleted ${quoteName(secretName)} while it was written. Write it again.`,
    { secretName },
  );
}
