import { hasCode, SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { setYoungest } from '../../../core/time/bounded-map';
import { AgeClock } from '../../../core/time/clock';
import type { HttpSteps } from '../../http/wire/http-request';
import { NAME_ANNOTATION } from './annotations';
import type { SecretCall, SecretsApi, StoredSecret } from './secrets-api';

/** The time for which a name that was checked is not checked again. Looking at a secret has a small quota. */
const CHECKED_FOR_MS = 600_000;
const MAX_NAMES = 10_000;

/**
 * The names that secrets were written under, which are annotations. Two names may have one ID after `mapName`, and
 * one must not get the value of the other.
 */
export class NameCollisions {
  readonly #api: SecretsApi;
  readonly #clock = new AgeClock();
  readonly #checked = new Map<string, { readonly secretName: string; readonly until: number }>();

  constructor(api: SecretsApi) {
    this.#api = api;
  }

  /**
   * Throws `INVALID_ARGUMENT` if the secret was written under another name. A login that may not look at the secret
   * does not learn its name.
   */
  *check(call: SecretCall): HttpSteps<void> {
    const checked = this.#checked.get(call.id);
    const isChecked = checked?.secretName === call.secretName && this.#clock.now() < checked.until;
    if (isChecked) return;
    try {
      const secret = yield* this.#api.get(call);
      if (secret !== undefined) assertName(secret, call);
    } catch (error) {
      if (!hasCode(error, 'ACCESS_DENIED')) throw error;
    }
    this.remember(call);
  }

  /** Records that the secret has the name of the call. */
  remember({ id, secretName }: SecretCall): void {
    const until = this.#clock.now() + CHECKED_FOR_MS;
    setYoungest(this.#checked, id, { secretName, until }, MAX_NAMES);
  }

  forget({ id }: SecretCall): void {
    this.#checked.delete(id);
  }
}

/** Throws `INVALID_ARGUMENT` if the secret was written under another name. */
export function assertName({ annotations }: StoredSecret, { id, secretName }: SecretCall): void {
  const noted = annotations[NAME_ANNOTATION];
  if (noted === undefined || noted === secretName) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `${quoteName(secretName)} and ${quoteName(noted)} are both ${quoteName(id)} after \`mapName\`, and the secret there is that of ${quoteName(noted)}. Rename one of them.`,
    { secretName },
  );
}
