import {
  CustomSecretManager,
  type OperationOptions,
  type RegistrationFacts,
  type SecretAnswer,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { encodeBytes, encodingProblem, type Encoding } from '../../core/validation/encoding';
import { assertKnownParams, type ParamRules } from '../../core/validation/known-params';
import { assertNoParams } from '../../core/validation/params';
import { HttpClients } from '../http/wire/http-clients';
import { HttpDriver } from '../http/http-driver';
import { jsonOf, type HttpRequest, type HttpSteps } from '../http/wire/http-request';
import { storeError } from '../http/wire/store-errors';
import { TokenSession } from '../http/login/token-session';
import { UsableOptions } from '../http/options/usable-options';
import { ConjurBatches } from './conjur-batch';
import { CONJUR, isAbsent, isPage } from './conjur-errors';
import { ConjurLogin, authorize, isRefused } from './conjur-login';
import { ConjurUrls } from './conjur-urls';
import { ConjurWriter, type Send } from './conjur-writer';
import type { ConjurSecretManagerOptions } from './conjur.options';
import { optionsFromEnvironment } from './from-environment';
import { optionProblems } from './option-problems';

const PARAMS: ParamRules = {
  version: (value) =>
    (typeof value === 'string' || typeof value === 'number') && /^[1-9]\d{0,8}$/.test(String(value))
      ? undefined
      : 'must be a version: 1, 2, 3, ...',
  encoding: encodingProblem,
};

interface ReadParams {
  readonly version?: number | string;
  readonly encoding?: Encoding;
}

const READS_ALONE = 'they are for reads, and Conjur writes the next version of a variable';

/**
 * Reads and writes variables of CyberArk Conjur: Conjur Open Source, Enterprise and Cloud. The name of a secret is the
 * full identifier of the variable, as `apps/gateway/database-password`.
 *
 * Params of a read: `version` (1, 2, ...; Conjur keeps 20), and `encoding` of a binary value: `utf8` (default),
 * `base64`, `base64url`, `hex`, `latin1`.
 *
 * A variable without a value is absent, and so is one that the login may not see. Conjur takes neither an empty value
 * nor one of white space, and has no description and no tags: those of the settings are ignored. Policy alone deletes a
 * variable. `createOnly` reads first, and is not atomic.
 */
export class ConjurSecretManager extends CustomSecretManager {
  readonly #options: ConjurSecretManagerOptions;
  readonly #driver: HttpDriver;
  readonly #session: TokenSession;
  readonly #urls: ConjurUrls;
  readonly #batches: ConjurBatches;
  readonly #writer: ConjurWriter;
  #facts: RegistrationFacts | undefined;

  constructor(options: ConjurSecretManagerOptions) {
    super('cyberark-conjur');
    const { address, account, auth, tls, proxy, noProxy, policyBranch } = options;
    this.#options = options;
    const usable = new UsableOptions('ConjurSecretManager', () => optionProblems(options));
    const origin = URL.canParse(address) ? new URL(address).origin : 'https://conjur.invalid';
    const clients = new HttpClients(this.secretManagerName, { origin, tls, proxy, noProxy });
    this.#urls = new ConjurUrls(String(address), String(account));
    this.#session = new TokenSession(this.secretManagerName, {
      login: new ConjurLogin(auth, this.#urls),
      loginClients: clients,
      authorize,
      isRefused,
    });
    this.#driver = new HttpDriver({ manager: this.secretManagerName, options: usable, clients });
    this.#batches = new ConjurBatches(this.#urls);
    this.#writer = new ConjurWriter(this.#urls, policyBranch);
  }

  /**
   * Creates a manager from the variables of CyberArk's clients: `CONJUR_APPLIANCE_URL`, `CONJUR_ACCOUNT`,
   * `CONJUR_AUTHN_TOKEN_FILE`, `CONJUR_AUTHN_JWT_SERVICE_ID` with `JWT_TOKEN_PATH`, `CONJUR_AUTHN_LOGIN` with
   * `CONJUR_AUTHN_API_KEY`, `CONJUR_CERT_FILE`, `CONJUR_SSL_CERTIFICATE`, or from LiteLLM's: `CYBERARK_API_BASE`,
   * `CYBERARK_ACCOUNT`, `CYBERARK_USERNAME`, `CYBERARK_API_KEY`. `overrides` win over the variables.
   */
  static fromEnvironment(
    environment: Readonly<Record<string, string | undefined>> = process.env,
    overrides: Partial<ConjurSecretManagerOptions> = {},
  ): ConjurSecretManager {
    const options = { ...optionsFromEnvironment(environment), ...overrides };
    return new ConjurSecretManager(options as ConjurSecretManagerOptions); // the start reports missing options
  }

  override explainAbsence(): string {
    return 'In Conjur, a variable without a value is missing, too, and so is one that the login may not see.';
  }

  override validateRegistration(facts: RegistrationFacts): void {
    this.#facts = facts;
  }

  /** Throws `MISCONFIGURED` with every problem of the options. Sends no request. */
  override validateEnvironment(): void {
    this.#driver.assertUsable('validateEnvironment');
    if (this.#options.startsSyncReads) this.#driver.startSync();
  }

  override async readSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretReading | undefined> {
    return await this.#driver.run('readSecret', secretName, options, (call) =>
      this.read(secretName, call),
    );
  }

  override readSecretSync(
    secretName: string,
    options?: OperationOptions,
  ): SecretReading | undefined {
    return this.#driver.runSync('readSecretSync', secretName, options, (call) =>
      this.read(secretName, call),
    );
  }

  /**
   * Reads up to fifty variables per request. Reads one by one if the batch cannot tell them apart: one is missing, denied
   * or invisible. A denied batch is not tried again for ten minutes. A read of a version makes one request per name.
   */
  override async readSecrets(
    secretNames: readonly string[],
    options: OperationOptions = {},
  ): Promise<ReadonlyMap<string, SecretAnswer | Error>> {
    const { version, encoding = 'utf8' } = parseParams(options);
    const names = [...new Set(secretNames)];
    if (version !== undefined) return await super.readSecrets(names, options);
    const answers = await this.#batches.read(names, encoding, (request) =>
      this.#driver.run('readSecrets', undefined, options, (call) =>
        this.#session.send(request, call),
      ),
    );
    const missing = names.filter((name) => !answers.has(name));
    return new Map([...answers, ...(await super.readSecrets(missing, options))]);
  }

  /** Writes the next version of a variable. Conjur makes no new version of an equal value. */
  override async writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    return await this.#driver.run('writeSecret', secretName, options, (call) =>
      this.write(secretName, value, options, call),
    );
  }

  /** Rejects with `UNSUPPORTED`: policy alone deletes a variable. */
  override async deleteSecret(secretName: string): Promise<never> {
    return await this.#driver.run('deleteSecret', secretName, {}, () => {
      throw new SecretManagerError(
        'UNSUPPORTED',
        `Conjur deletes a variable by policy only. Load a policy with "- !delete" and a record for ${quoteName(secretName)}.`,
      );
    });
  }

  /** Resolves to `true` if Conjur answers and knows the login. */
  override async checkHealth(options?: OperationOptions): Promise<boolean> {
    return await this.#driver.run('checkHealth', undefined, options, (call) => this.whoami(call));
  }

  /** Closes the connections. Requests in flight fail. */
  override async close(): Promise<void> {
    await this.#driver.close();
  }

  private *read(
    secretName: string,
    options: OperationOptions,
  ): HttpSteps<SecretReading | undefined> {
    const { version, encoding = 'utf8' } = parseParams(options);
    const wanted = version === undefined ? undefined : Number(version);
    const request: HttpRequest = { method: 'GET', url: this.#urls.variable(secretName, wanted) };
    const answer = yield* this.#session.send(request, options);
    if (answer.statusCode === 200 && !isPage(answer)) {
      return { value: encodeBytes(answer.body, encoding, secretName) };
    }
    if (isAbsent(answer)) return undefined;
    throw storeError(answer, `Reading ${quoteName(secretName)}`, CONJUR);
  }

  private *write(
    secretName: string,
    value: string,
    given: WriteOptions,
    options: OperationOptions,
  ): HttpSteps<SecretMetadata> {
    assertNoParams(given.params, READS_ALONE);
    if (value.trim() === '') throw blank(secretName);
    this.assertUndescribed(secretName, given);
    const send: Send = (request) => this.#session.send(request, options);
    if (given.createOnly && (yield* this.read(secretName, options)) !== undefined) {
      throw new SecretManagerError('CONFLICT', `${quoteName(secretName)} exists already.`);
    }
    yield* this.#writer.write(secretName, value, options, send);
    return {};
  }

  /** Throws `UNSUPPORTED` for a description or a tag of the call. Those of the settings are ignored. */
  private assertUndescribed(secretName: string, { description, tags = {} }: WriteOptions): void {
    const { description: usual, tags: usualTags = {} } = this.#facts ?? {};
    const ofCall = Object.entries(tags).filter(([key, value]) => usualTags[key] !== value);
    if ((description === undefined || description === usual) && ofCall.length === 0) return;
    throw new SecretManagerError(
      'UNSUPPORTED',
      `Conjur keeps neither a description nor tags beside a value. Write ${quoteName(secretName)} without them, and annotate the variable by policy.`,
    );
  }

  private *whoami(options: OperationOptions): HttpSteps<boolean> {
    const request: HttpRequest = { method: 'GET', url: this.#urls.whoami() };
    const answer = yield* this.#session.send(request, options);
    if (answer.statusCode === 200 && jsonOf(answer) !== undefined) return true;
    throw storeError(answer, 'Asking Conjur who the login is', CONJUR);
  }
}

function parseParams({ params = {} }: OperationOptions): ReadParams {
  assertKnownParams(params, PARAMS);
  return params;
}

function blank(secretName: string): SecretManagerError {
  return new SecretManagerError(
    'INVALID_ARGUMENT',
    `Conjur takes no value that is empty or white space, as that of ${quoteName(secretName)} is.`,
  );
}
