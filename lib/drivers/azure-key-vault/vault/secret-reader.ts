import type { SecretReading } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { encodeBytes, encodingProblem, type Encoding } from '../../../core/validation/encoding';
import { assertKnownParams, type ParamRules } from '../../../core/validation/known-params';
import type { HttpAnswer, HttpSteps } from '../../http/wire/http-request';
import { bundleOf, versionsOf, type SecretBundle } from './secret-bundle';
import { isWellFormed, type SecretCall } from './secret-call';
import type { SecretTags } from './secret-tags';
import { isAbsent, isDenied, isDisabled, vaultError } from '../wire/vault-errors';
import { secretPath, type VaultRequests } from '../wire/vault-requests';
import type { Warnings } from './warnings';

const PARAM_RULES: ParamRules = { version: versionProblem, encoding: encodingProblem };

interface ReadParams {
  readonly version?: string;
  readonly encoding?: Encoding;
}

/** Reads secrets and their properties. */
export class SecretReader {
  readonly #requests: VaultRequests;
  readonly #tags: SecretTags;
  readonly #warnings: Warnings;

  constructor(requests: VaultRequests, tags: SecretTags, warnings: Warnings) {
    this.#requests = requests;
    this.#tags = tags;
    this.#warnings = warnings;
  }

  /** Returns `undefined` if the vault says that it has no such secret or version. */
  *read({ secretName, storedName, options }: SecretCall): HttpSteps<SecretReading | undefined> {
    const { params = {} } = options;
    assertKnownParams(params, PARAM_RULES);
    const { version: asked, encoding = 'utf8' } = params as ReadParams;
    const answer = yield* this.#requests.send('GET', secretPath(storedName, asked), options);
    if (isAbsent(answer)) return undefined;
    const secret = bundleOf(answer);
    if (secret?.value === undefined) throw failed(answer, secretName);
    this.#tags.assertOwn(secret, secretName, storedName);
    const { value, version, expiresAt } = secret;
    if (!isWellFormed(value)) throw noText(secretName);
    if (expiresAt && expiresAt.getTime() < Date.now()) this.#warnings.expired(secretName, version);
    return { value: encodeBytes(Buffer.from(value), encoding, secretName), version };
  }

  /**
   * Returns the properties of the current version, or `undefined` if there is no such secret. Those of a disabled one
   * come from the list of its versions. Throws `INVALID_ARGUMENT` for a secret of another name.
   */
  *find({ secretName, storedName, options }: SecretCall): HttpSteps<SecretBundle | undefined> {
    const answer = yield* this.#requests.send('GET', secretPath(storedName), options);
    if (isAbsent(answer)) return undefined;
    const found = isDisabled(answer)
      ? yield* this.newestVersion({ secretName, storedName, options })
      : bundleOf(answer);
    if (found === undefined) throw failed(answer, secretName);
    this.#tags.assertOwn(found, secretName, storedName);
    return found;
  }

  /** Returns `undefined` if the login may not list the versions. Throws another failure. */
  private *newestVersion({
    secretName,
    storedName,
    options,
  }: SecretCall): HttpSteps<SecretBundle | undefined> {
    const path = `${secretPath(storedName)}/versions`;
    let newest: SecretBundle | undefined;
    let token: string | undefined = '';
    while (token !== undefined) {
      const query: Readonly<Record<string, string>> = token === '' ? {} : { $skiptoken: token };
      const answer = yield* this.#requests.send('GET', path, options, { query });
      if (isDenied(answer)) return undefined;
      const page = versionsOf(answer);
      if (page === undefined) throw failed(answer, secretName);
      for (const version of page.versions) {
        if (newest === undefined || createdAt(version) > createdAt(newest)) newest = version;
      }
      token = skipTokenOf(page.nextLink);
    }
    return newest;
  }
}

/** Returns the token of the next page. The link itself is never followed, because it could name any host. */
function skipTokenOf(nextLink: unknown): string | undefined {
  if (typeof nextLink !== 'string' || !URL.canParse(nextLink)) return undefined;
  const token = new URL(nextLink).searchParams.get('$skiptoken') ?? '';
  return token === '' ? undefined : token;
}

function createdAt({ createdAt: at }: SecretBundle): number {
  return at?.getTime() ?? 0;
}

function failed(answer: HttpAnswer, secretName: string): Error {
  return vaultError(answer, `Reading ${quoteName(secretName)}`);
}

/** Returns the error of a value that would change in UTF-8. */
function noText(secretName: string): SecretManagerError {
  return new SecretManagerError(
    'MALFORMED',
    `The value of ${quoteName(secretName)} is no text: it has half of a surrogate pair. Write it again.`,
  );
}

function versionProblem(version: unknown): string | undefined {
  const isOne = typeof version === 'string' && /^[0-9a-f]{32}$/i.test(version);
  return isOne ? undefined : 'must be the version of a secret: 32 hexadecimal digits';
}
