import type { SSMClient } from '@aws-sdk/client-ssm';
import {
  CustomSecretManager,
  type DeleteOptions,
  type OperationOptions,
  type RegistrationFacts,
  type SecretAnswer,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { countingDown } from '../../core/time/clock';
import { DEFAULT_TIMEOUT_MS } from '../../core/time/durations';
import { assertNoParams } from '../../core/validation/params';
import { workerFile } from '../../sync/worker-file';
import { CredentialSource } from '../aws/connection/credential-source';
import { awsNameOf, isDenied } from '../aws/errors';
import { assertUsable, warnOfRetries } from '../aws/connection/start-checks';
import { userTags } from '../aws/tags';
import { optionsFromEnvironment } from './options/from-environment';
import { ParameterNames } from './options/parameter-names';
import {
  optionProblems,
  type AwsParameterStoreSecretManagerOptions,
} from './options/parameter-store.options';
import { BatchReader } from './reads/batch';
import { parseSelector } from './reads/params';
import { toReading } from './reads/reading';
import { ParameterStoreApi, type Target } from './sdk/api';
import { createClient, probe } from './sdk/client';
import { isAbsent } from './sdk/errors';
import { MANAGER_NAME, PARAMETER_STORE } from './sdk/service';
import { SyncParameterStoreApi } from './sdk/sync-api';
import { ParameterWriter } from './writes/writer';

/** The worker lies beside this file, and beside the bundle of this driver. */
const WORKER_FILE = workerFile(__filename, 'sync.worker.cjs');

const READS_ALONE =
  'they are for reads, and AWS writes, describes and deletes a parameter as a whole';

/** The name of a parameter that nobody creates. A read of it spends nothing but one read. */
const HEALTH_CHECK = 'nestjs-custom-secret-manager-health-check';

/**
 * Reads and writes parameters of AWS Systems Manager Parameter Store, with decryption. New parameters are
 * `SecureString`.
 *
 * Names: AWS wants a slash before a name with a slash inside, so `payments/db` is the parameter `/payments/db`. With
 * `pathPrefix: '/production'` it is `/production/payments/db`. `INVALID_ARGUMENT`: a name with a `:`, one that begins with
 * a slash, one whose first part is `aws` or `ssm`, one of more than 15 levels, and one with other characters than ASCII letters, digits and `_ . - /`.
 *
 * `params` of a read, of which one may be given:
 * - `version`: a number, as `reading.version` has it
 * - `label`: a label of a version
 *
 * A missing version or label is absent, as a missing parameter is.
 */
export class AwsParameterStoreSecretManager extends CustomSecretManager {
  readonly #options: AwsParameterStoreSecretManagerOptions;
  readonly #client: SSMClient;
  readonly #names: ParameterNames;
  readonly #api: ParameterStoreApi;
  readonly #syncApi: SyncParameterStoreApi;
  readonly #batches: BatchReader;
  readonly #writer: ParameterWriter;

  constructor(options: AwsParameterStoreSecretManagerOptions = {}) {
    super(MANAGER_NAME);
    const isClientGiven = options.client !== undefined;
    const source = new CredentialSource();
    this.#options = options;
    this.#client = options.client ?? createClient(options);
    this.#names = new ParameterNames(options.pathPrefix);
    this.#api = new ParameterStoreApi(this.#client, {
      hasOwnTimeout: !isClientGiven,
      allowInsecureHttp: options.allowInsecureHttp,
      source,
    });
    this.#syncApi = new SyncParameterStoreApi({
      connection: options,
      isClientGiven,
      source,
      workerFile: WORKER_FILE,
    });
    this.#batches = new BatchReader(this.#api, this.#names);
    this.#writer = new ParameterWriter(this.#api, options);
  }

  /**
   * Creates a manager from environment variables. `overrides` win over them.
   *
   * - AWS: `AWS_REGION`, `AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL_SSM`, `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`,
   *   `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`
   * - LiteLLM: `AWS_REGION_NAME`
   *
   * Profiles and roles always come from the process. A manager without options finds the variables of AWS, too.
   */
  static fromEnvironment(
    environment: Readonly<Record<string, string | undefined>> = process.env,
    overrides: AwsParameterStoreSecretManagerOptions = {},
  ): AwsParameterStoreSecretManager {
    const found = overrides.client === undefined ? optionsFromEnvironment(environment) : {};
    return new AwsParameterStoreSecretManager({ ...found, ...overrides });
  }

  override async readSecret(
    secretName: string,
    options: OperationOptions = {},
  ): Promise<SecretReading | undefined> {
    const selector = parseSelector(options.params);
    const target = this.targetOf(secretName);
    try {
      const { Parameter } = await this.#api.get(target, selector, options);
      return toReading(Parameter, secretName);
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      throw thrown;
    }
  }

  /**
   * Reads with the SDK in a worker, which finds its own credentials. Throws `UNSUPPORTED` if a `client` was given, or
   * `credentials` that are a function, because the worker cannot use them.
   */
  override readSecretSync(
    secretName: string,
    given: OperationOptions = {},
  ): SecretReading | undefined {
    const options = countingDown(given, given.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const selector = parseSelector(options.params);
    const target = this.targetOf(secretName);
    try {
      return toReading(this.#syncApi.get(target, selector, options).Parameter, secretName);
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      throw thrown;
    }
  }

  /** Reads up to ten names per call. A read of a version or label makes one call per name. */
  override async readSecrets(
    secretNames: readonly string[],
    options: OperationOptions = {},
  ): Promise<ReadonlyMap<string, SecretAnswer | Error>> {
    const selector = parseSelector(options.params);
    const readOneByOne = (names: readonly string[]) => super.readSecrets(names, options);
    return selector === ''
      ? await this.#batches.read(secretNames, options, readOneByOne)
      : await readOneByOne(secretNames);
  }

  /**
   * Creates a `SecureString` with the manager's key and tier. An existing parameter keeps its type, key and tier. Tags of an
   * existing one are a second call: if that fails, the error is `UNKNOWN`, because the value has been written.
   */
  override async writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    assertNoParams(options.params, READS_ALONE);
    return await this.#writer.write(this.targetOf(secretName), value, options);
  }

  /**
   * Deletes at once and for good. Rejects with `UNSUPPORTED` if the call asks for a recovery window. A parameter that is
   * created again begins with version 1.
   */
  override async deleteSecret(
    secretName: string,
    options: DeleteOptions = {},
  ): Promise<SecretMetadata> {
    assertNoParams(options.params, READS_ALONE);
    const target = this.targetOf(secretName);
    const { recoveryWindowInDays: days = 0 } = options;
    if (days !== 0) throw noRecovery(secretName);
    try {
      await this.#api.delete(target, options);
    } catch (thrown) {
      if (!isAbsent(thrown)) throw thrown;
    }
    return {};
  }

  override async describeSecret(
    secretName: string,
    options: OperationOptions = {},
  ): Promise<SecretDescription> {
    assertNoParams(options.params, READS_ALONE);
    const target = this.targetOf(secretName);
    try {
      const metadata = await this.#api.describe(target, options);
      if (metadata === undefined) return {};
      const { TagList } = await this.#api.listTags(target, options);
      return { description: metadata.Description, tags: userTags(TagList) };
    } catch (thrown) {
      if (awsNameOf(thrown) === 'InvalidResourceId') return {}; // deleted meanwhile
      throw thrown;
    }
  }

  /** Throws `MISCONFIGURED` for names of the registration that no parameter can have. */
  override validateRegistration({ secretNames, virtualKeyPrefix }: RegistrationFacts): void {
    const aliases = virtualKeyPrefix === undefined ? [] : [`${virtualKeyPrefix}alias`];
    const problems = this.#names.problemsOf([...secretNames, ...aliases]);
    if (problems.length > 0) throw new SecretManagerError('MISCONFIGURED', problems.join(' '));
  }

  /** Rejects with `MISCONFIGURED` and every problem of the options. Makes no call to AWS. */
  override async validateEnvironment(): Promise<void> {
    const isClientGiven = this.#options.client !== undefined;
    await assertUsable({
      service: PARAMETER_STORE,
      client: this.#client,
      isClientGiven,
      connection: this.#options,
      optionProblems: optionProblems(this.#options),
      probe,
    });
    if (isClientGiven) await warnOfRetries(this.#client, PARAMETER_STORE);
    if (this.#options.startsSyncReads) this.#syncApi.start();
  }

  /**
   * Reads a parameter that does not exist. Resolves to `true` if AWS answers and knows the caller, even if it denies the
   * read: many roles may only read their own parameters.
   */
  override async checkHealth(options: OperationOptions = {}): Promise<boolean> {
    try {
      const { Parameter } = await this.#api.ping(this.#names.parameterOf(HEALTH_CHECK), options);
      toReading(Parameter, HEALTH_CHECK); // somebody created it, or it is not AWS that answers
    } catch (thrown) {
      if (!isAbsent(thrown) && !isDenied(thrown)) throw thrown;
    }
    return true;
  }

  override async close(): Promise<void> {
    if (this.#options.client === undefined) this.#client.destroy();
    await this.#syncApi.close();
  }

  private targetOf(secretName: string): Target {
    return { secretName, parameter: this.#names.parameterOf(secretName) };
  }
}

function noRecovery(secretName: string): SecretManagerError {
  return new SecretManagerError(
    'UNSUPPORTED',
    `Parameter Store keeps no deleted parameter. Leave \`recoveryWindowInDays\` of ${quoteName(secretName)} out, or set it to 0 ` +
      'to delete it at once and for good.',
    { secretName },
  );
}
