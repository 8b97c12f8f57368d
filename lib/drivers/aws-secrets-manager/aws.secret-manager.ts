import type {
  GetSecretValueCommandInput,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  CustomSecretManager,
  DEFAULT_RECOVERY_WINDOW_IN_DAYS,
  type DeleteOptions,
  type OperationOptions,
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
import type { Encoding } from '../../core/validation/encoding';
import { assertNoParams } from '../../core/validation/params';
import { assertSecretName } from '../../core/validation/secret-name';
import { workerFile } from '../../sync/worker-file';
import { CredentialSource } from '../aws/connection/credential-source';
import { isDenied } from '../aws/errors';
import { assertUsable, warnOfRetries } from '../aws/connection/start-checks';
import { userTags } from '../aws/tags';
import { BatchReader } from './reads/batch';
import { parseReadParams } from './reads/params';
import { toReading } from './reads/reading';
import { SecretsManagerApi } from './sdk/api';
import { createClient, optionProblems, probe, type AwsClientOptions } from './sdk/client';
import { isAbsent } from './sdk/errors';
import { SECRETS_MANAGER } from './sdk/service';
import { SyncSecretsManagerApi } from './sdk/sync-api';
import { SecretDeletion } from './writes/deletion';
import { isPendingDeletion, isPendingDeletionSync } from './writes/pending-deletion';
import { SecretWriter, type WriterOptions } from './writes/writer';

/** The worker lies beside this file, and beside the bundle of this driver. */
const WORKER_FILE = workerFile(__filename, 'sync.worker.cjs');

export interface AwsSecretManagerOptions extends AwsClientOptions, WriterOptions {
  /**
   * A client of the application, which is not destroyed with the manager. Build it with `maxAttempts: 1`: its
   * retries multiply with those of the library. A client with more attempts causes a warning at the start.
   */
  readonly client?: SecretsManagerClient;
  /**
   * Starts the worker for synchronous reads together with the manager, so that the first read need not wait.
   * Default: `false`, which starts the worker at the first synchronous read.
   */
  readonly startsSyncReads?: boolean;
}

const READS_ALONE = 'they are for reads, and AWS writes, describes and deletes a secret as a whole';

/**
 * Reads and writes secrets of AWS Secrets Manager, by name or ARN. A secret that is pending deletion is absent.
 *
 * `params` of a read:
 * - `versionId`
 * - `versionStage`: `AWSCURRENT`, `AWSPENDING`, `AWSPREVIOUS` or a stage of your own
 * - `encoding` of a binary secret: `base64` (default), `base64url`, `hex`, `utf8`, `latin1`
 *
 * Errors: an ARN of another region is `MISCONFIGURED`. An answer of more than 8 MiB is `MALFORMED`. Missing
 * credentials are `UNAVAILABLE` if a source is known, else `UNAUTHENTICATED`. A source is a container endpoint, the
 * metadata service, a token file, or any source that has worked before.
 *
 * Use one spelling per secret. The cache treats the name and the ARN as two secrets: a write under one leaves the
 * other stale.
 */
export class AwsSecretManager extends CustomSecretManager {
  readonly #options: AwsSecretManagerOptions;
  readonly #client: SecretsManagerClient;
  readonly #api: SecretsManagerApi;
  readonly #syncApi: SyncSecretsManagerApi;
  readonly #batches: BatchReader;
  readonly #deletion: SecretDeletion;
  readonly #writer: SecretWriter;

  constructor(options: AwsSecretManagerOptions = {}) {
    super('aws-secrets-manager');
    this.#options = options;
    this.#client = options.client ?? createClient(options);
    const source = new CredentialSource();
    this.#api = new SecretsManagerApi(this.#client, {
      hasOwnTimeout: options.client === undefined,
      allowInsecureHttp: options.allowInsecureHttp,
      source,
    });
    this.#syncApi = new SyncSecretsManagerApi({
      connection: options,
      isClientGiven: options.client !== undefined,
      source,
      workerFile: WORKER_FILE,
    });
    this.#batches = new BatchReader(this.#api);
    this.#deletion = new SecretDeletion(this.#api, options.replicaRegions ?? []);
    this.#writer = new SecretWriter(this.#api, this.#deletion, options);
  }

  override async readSecret(
    secretName: string,
    options: OperationOptions = {},
  ): Promise<SecretReading | undefined> {
    const { request, encoding } = parseRead(secretName, options);
    try {
      return toReading(await this.#api.getValue(request, options), encoding, secretName);
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      if (await isPendingDeletion(thrown, this.#api, secretName, options)) return undefined;
      throw thrown;
    }
  }

  /**
   * Reads with the SDK in a worker, which finds its own credentials. Throws `UNSUPPORTED` if a `client` was given,
   * because the worker cannot use it.
   *
   * The worker gets `AWS_*`, the network variables, and the variables that locate profiles and start a
   * `credential_process`: `HOME`, `PATH`, `USER`, `TMPDIR` and similar.
   */
  override readSecretSync(
    secretName: string,
    given: OperationOptions = {},
  ): SecretReading | undefined {
    const options = countingDown(given, given.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const { request, encoding } = parseRead(secretName, options);
    try {
      return toReading(this.#syncApi.getValue(request, options), encoding, secretName);
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      if (isPendingDeletionSync(thrown, this.#syncApi, secretName, options)) return undefined;
      throw thrown;
    }
  }

  /**
   * Reads up to twenty names per call. A read of a version or stage makes one call per name, because AWS has no
   * batch for it.
   */
  override async readSecrets(
    secretNames: readonly string[],
    options: OperationOptions = {},
  ): Promise<ReadonlyMap<string, SecretAnswer | Error>> {
    const { versionId, versionStage, encoding } = parseReadParams(options.params);
    const readOneByOne = (names: readonly string[]) => super.readSecrets(names, options);
    return versionId === undefined && versionStage === undefined
      ? await this.#batches.read(secretNames, encoding, options, readOneByOne)
      : await readOneByOne(secretNames);
  }

  /**
   * Creates the secret with the manager's KMS key and replica regions. An existing secret keeps its own key and
   * regions.
   */
  override async writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    assertWholeCall(secretName, options);
    if (value !== '') return await this.#writer.write(secretName, value, options);
    throw new SecretManagerError(
      'INVALID_ARGUMENT',
      `AWS stores no empty value, as that of ${quoteName(secretName)} is. Delete the secret instead.`,
      { secretName },
    );
  }

  /**
   * @param options `recoveryWindowInDays` is 7 to 30 days, or 0 to delete at once. AWS supports no other window.
   */
  override async deleteSecret(
    secretName: string,
    options: DeleteOptions = {},
  ): Promise<SecretMetadata> {
    assertWholeCall(secretName, options);
    const { recoveryWindowInDays: days = DEFAULT_RECOVERY_WINDOW_IN_DAYS } = options;
    const isPossible = days === 0 || (Number.isInteger(days) && days >= 7 && days <= 30);
    if (isPossible) return await this.#deletion.delete(secretName, days, options);
    throw new SecretManagerError(
      'INVALID_ARGUMENT',
      `AWS keeps a deleted secret for 7 to 30 whole days, not ${days}: set \`recoveryWindowInDays\` of ` +
        `${quoteName(secretName)} to one of these, or to 0 to delete it at once and for good.`,
      { secretName },
    );
  }

  override async describeSecret(
    secretName: string,
    options: OperationOptions = {},
  ): Promise<SecretDescription> {
    assertWholeCall(secretName, options);
    try {
      const { Description, Tags } = await this.#api.describe(secretName, options);
      return { description: Description, tags: userTags(Tags) };
    } catch (thrown) {
      if (isAbsent(thrown)) return {};
      throw thrown;
    }
  }

  /**
   * Rejects with `MISCONFIGURED` for a missing region, an unknown option or an unusable endpoint. Makes no call to
   * AWS.
   */
  override async validateEnvironment(): Promise<void> {
    const isClientGiven = this.#options.client !== undefined;
    await assertUsable({
      service: SECRETS_MANAGER,
      client: this.#client,
      isClientGiven,
      connection: this.#options,
      optionProblems: optionProblems(this.#options),
      probe,
    });
    if (isClientGiven) await warnOfRetries(this.#client, SECRETS_MANAGER);
    if (this.#options.startsSyncReads) this.#syncApi.start();
  }

  /**
   * Resolves to `true` if AWS answers and knows the caller. A role may lack the right to list secrets: many roles
   * may only read their own.
   */
  override async checkHealth(options: OperationOptions = {}): Promise<boolean> {
    try {
      await this.#api.ping(options);
    } catch (thrown) {
      if (!isDenied(thrown)) throw thrown;
    }
    return true;
  }

  override async close(): Promise<void> {
    if (this.#options.client === undefined) this.#client.destroy();
    await this.#syncApi.close();
  }
}

function parseRead(
  secretName: string,
  { params }: OperationOptions,
): { readonly request: GetSecretValueCommandInput; readonly encoding: Encoding } {
  assertSecretName(secretName);
  const { versionId: VersionId, versionStage: VersionStage, encoding } = parseReadParams(params);
  return { request: { SecretId: secretName, VersionId, VersionStage }, encoding };
}

/** Throws `INVALID_ARGUMENT` for a wrong name, and for any params. */
function assertWholeCall(secretName: string, { params }: OperationOptions): void {
  assertSecretName(secretName);
  assertNoParams(params, READS_ALONE);
}
