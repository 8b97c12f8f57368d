import {
  CustomSecretManager,
  type DeleteOptions,
  type OperationOptions,
  type RegistrationFacts,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../../core/contract/custom-secret-manager';
import { hasCode, SecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { listed } from '../../core/validation/option-rules';
import { assertNoParams } from '../../core/validation/params';
import type { GoogleEnvironment } from '../google/credentials/google-auth';
import { GoogleConnection } from '../google/google-connection';
import { HttpDriver } from '../http/http-driver';
import type { HttpSteps } from '../http/wire/http-request';
import { MappedNames } from '../http/options/mapped-names';
import { UsableOptions } from '../http/options/usable-options';
import { assertName, NameCollisions } from './api/name-collisions';
import { descriptionIn, tagProblems } from './api/annotations';
import { SecretsApi, type SecretCall } from './api/secrets-api';
import { optionsFromEnvironment } from './options/from-environment';
import type { GoogleSecretManagerOptions } from './options/google.options';
import { optionProblems } from './options/option-problems';
import { readParams } from './reads/read-params';
import { readingOf } from './reads/reading';
import { SecretWriter } from './writes/secret-writer';

const MAX_VALUE_BYTES = 64 * 1024;
const SECRET_ID = /^[A-Za-z0-9_-]{1,255}$/;
const DEMAND = 'has 1 to 255 letters, digits, dashes and underscores';
const READS_ALONE =
  'they are for reads, and Google writes, describes and deletes a secret as a whole';
/** A name that is never there. Reading it spends the large quota of reads alone. */
const HEALTH_ID = 'nestjs-custom-secret-manager_health-check';

/**
 * Reads and writes secrets of Google Secret Manager. The value of a secret is its newest version.
 *
 * `params` of a read:
 * - `version`: a number, an alias or `latest`
 * - `encoding` of the bytes: `utf8` (default), `base64`, `base64url`, `hex`, `latin1`
 *
 * Errors: a newest version that is disabled or destroyed is a thrown `NOT_FOUND`. A denial may also mean that the
 * secret does not exist.
 */
export class GoogleSecretManager extends CustomSecretManager {
  readonly #options: GoogleSecretManagerOptions;
  readonly #names: MappedNames;
  readonly #collisions: NameCollisions | undefined;
  readonly #api: SecretsApi;
  readonly #writer: SecretWriter;
  readonly #driver: HttpDriver;

  /** @param environment the variables of Application Default Credentials; default: `process.env` */
  constructor(
    options: GoogleSecretManagerOptions = {},
    environment: GoogleEnvironment = process.env,
  ) {
    super('google-secret-manager');
    const { location, mapName } = options;
    const service = { name: 'secretmanager', location };
    const manager = this.secretManagerName;
    const connection = new GoogleConnection(manager, options, service, environment);
    this.#options = options;
    this.#names = new MappedNames({ mapName, pattern: SECRET_ID, demand: DEMAND });
    this.#api = new SecretsApi(connection, options);
    this.#collisions = mapName === undefined ? undefined : new NameCollisions(this.#api);
    this.#writer = new SecretWriter(this.#api, connection.clients, this.#collisions);
    this.#driver = new HttpDriver({
      manager,
      options: new UsableOptions('GoogleSecretManager', () => optionProblems(options, environment)),
      clients: connection.clients,
      closeLogin: () => connection.closeLogin(),
    });
  }

  /**
   * Creates a manager from variables. `overrides` win over them.
   *
   * - Google: `GOOGLE_CLOUD_PROJECT`, `GOOGLE_CLOUD_QUOTA_PROJECT`, `GOOGLE_APPLICATION_CREDENTIALS`,
   *   `GCE_METADATA_HOST`, `CLOUDSDK_CONFIG`
   * - LiteLLM: `GOOGLE_SECRET_MANAGER_PROJECT_ID`, `GCS_PATH_SERVICE_ACCOUNT`
   * - the proxy: `HTTPS_PROXY`, `NO_PROXY`
   */
  static fromEnvironment(
    environment: GoogleEnvironment = process.env,
    overrides: Partial<GoogleSecretManagerOptions> = {},
  ): GoogleSecretManager {
    const options = { ...optionsFromEnvironment(environment), ...overrides };
    return new GoogleSecretManager(options, environment);
  }

  /** Throws `MISCONFIGURED` with every problem of the options. Sends no request. */
  override validateEnvironment(): void {
    this.#driver.assertUsable('validateEnvironment');
    if (this.#options.startsSyncReads) this.#driver.startSync();
  }

  /**
   * Throws `MISCONFIGURED` with every name that Google cannot have, and every two names with one ID. Tags of the
   * settings that cannot be annotations are `MISCONFIGURED`, too.
   */
  override validateRegistration(facts: RegistrationFacts): void {
    this.#names.assertDistinct(facts);
    const problems = tagProblems(facts.tags);
    if (problems.length > 0) throw new SecretManagerError('MISCONFIGURED', listed(problems));
  }

  override async readSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretReading | undefined> {
    return await this.#driver.run('readSecret', secretName, options, (limited) =>
      this.read(secretName, limited),
    );
  }

  override readSecretSync(
    secretName: string,
    options?: OperationOptions,
  ): SecretReading | undefined {
    return this.#driver.runSync('readSecretSync', secretName, options, (limited) =>
      this.read(secretName, limited),
    );
  }

  /**
   * Adds a version, and creates the secret before if it is missing. Description and tags are annotations.
   *
   * With `createOnly` a secret without versions counts as missing.
   */
  override async writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    return await this.#driver.run('writeSecret', secretName, options, (limited) =>
      this.#writer.write(this.wholeCall(secretName, limited), bytesOf(value, secretName), options),
    );
  }

  /** Deletes the secret with all versions, at once and for good. A recovery window is `UNSUPPORTED`. */
  override async deleteSecret(secretName: string, options: DeleteOptions = {}): Promise<void> {
    await this.#driver.run('deleteSecret', secretName, options, (limited) => {
      assertNoWindow(secretName, options);
      return this.#writer.delete(this.wholeCall(secretName, limited));
    });
  }

  override async describeSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretDescription> {
    return await this.#driver.run('describeSecret', secretName, options, (limited) =>
      this.describe(this.wholeCall(secretName, limited)),
    );
  }

  /**
   * Resolves to `true` if Google answers and accepts the login. A denial counts as healthy: many logins may read
   * single secrets only.
   */
  override async checkHealth(options?: OperationOptions): Promise<boolean> {
    return await this.#driver.run('checkHealth', undefined, options, (limited) =>
      this.ping({ secretName: HEALTH_ID, id: HEALTH_ID, options: limited }),
    );
  }

  /** Closes all connections. Requests in flight fail. */
  override close(): Promise<void> {
    return this.#driver.close();
  }

  private *read(
    secretName: string,
    options: OperationOptions,
  ): HttpSteps<SecretReading | undefined> {
    const { version, encoding } = readParams(options.params);
    const call = this.callOf(secretName, options);
    const answer = yield* this.#api.access(call, version);
    if (answer === undefined) return undefined;
    if (this.#collisions !== undefined) yield* this.#collisions.check(call);
    return readingOf(answer, call, encoding);
  }

  private *describe(call: SecretCall): HttpSteps<SecretDescription> {
    const secret = yield* this.#api.get(call);
    if (secret === undefined) return {};
    if (this.#collisions !== undefined) assertName(secret, call);
    return descriptionIn(secret.annotations);
  }

  private *ping(call: SecretCall): HttpSteps<boolean> {
    try {
      yield* this.#api.access(call, 'latest');
    } catch (error) {
      if (!hasCode(error, 'ACCESS_DENIED') && !hasCode(error, 'NOT_FOUND')) throw error;
    }
    return true;
  }

  /** Returns a call that takes no params. */
  private wholeCall(secretName: string, options: OperationOptions): SecretCall {
    assertNoParams(options.params, READS_ALONE);
    return this.callOf(secretName, options);
  }

  private callOf(secretName: string, options: OperationOptions): SecretCall {
    return { secretName, id: this.#names.toStored(secretName), options };
  }
}

function bytesOf(value: string, secretName: string): Buffer {
  const bytes = Buffer.from(value, 'utf8');
  if (bytes.length === 0) {
    throw refused(
      `Google stores no empty value, as that of ${quoteName(secretName)} is. Delete the secret instead`,
    );
  }
  if (bytes.length > MAX_VALUE_BYTES) {
    throw refused(
      `The value of ${quoteName(secretName)} has ${bytes.length} bytes, and Google stores at most ${MAX_VALUE_BYTES}. Shorten it`,
    );
  }
  return bytes;
}

function refused(message: string): SecretManagerError {
  return new SecretManagerError('INVALID_ARGUMENT', `${message}.`);
}

function assertNoWindow(
  secretName: string,
  { recoveryWindowInDays: days = 0 }: DeleteOptions,
): void {
  if (days === 0) return;
  throw new SecretManagerError(
    'UNSUPPORTED',
    `Google deletes a secret at once and for good, so that ${quoteName(secretName)} cannot be kept for ${days} days. Leave \`recoveryWindowInDays\` out, or set it to 0.`,
  );
}
