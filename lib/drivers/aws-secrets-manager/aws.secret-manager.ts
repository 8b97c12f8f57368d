import type {
  GetSecretValueCommandInput,
  SecretsManagerClient,
  Tag,
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
import { assertNoParams } from '../../core/validation/params';
import { BatchReader } from './reads/batch';
import { parseReadParams, type Encoding } from './reads/params';
import { toReading } from './reads/reading';
import { SecretsManagerApi } from './sdk/api';
import { assertUsable, createClient, warnOfRetries, type AwsClientOptions } from './sdk/client';
import { CredentialSource } from './sdk/credential-source';
import { isAbsent, isDenied } from './sdk/errors';
import { SyncSecretsManagerApi } from './sdk/sync-api';
import { SecretDeletion } from './writes/deletion';
import { isPendingDeletion, isPendingDeletionSync } from './writes/pending-deletion';
import { SecretWriter, type WriterOptions } from './writes/writer';

export interface AwsSecretManagerOptions extends AwsClientOptions, WriterOptions {
  /**
   * A client of the application's own, which is not destroyed with the manager. Build it with `maxAttempts: 1`: its
   * repetitions multiply with those of the library, and a client that makes more is warned of at start.
   */
  readonly client?: SecretsManagerClient;
  /**
   * Starts the worker that synchronous reads are made by when the manager starts, so that the first of them does not wait
   * for it. Default `false`: it starts with the first.
   */
  readonly startsSyncReads?: boolean;
}

const READS_ALONE = 'they are for reads, and AWS writes, describes and deletes a secret as a whole';

/**
 * Secrets from AWS Secrets Manager, by name or ARN. `params` of a read: `versionId`, `versionStage` (`AWSCURRENT`,
 * `AWSPENDING`, `AWSPREVIOUS` or one of your own), and `encoding` of a binary secret (`base64` by default, `base64url`, `hex`,
 * `utf8`, `latin1`). A secret that is pending deletion is absent.
 *
 * An ARN of another region than the manager's is `MISCONFIGURED`. Where no credentials can be had, that is `UNAVAILABLE` if a
 * source of them is known (a container endpoint, the metadata service, a token file, or any that has worked), and otherwise
 * `UNAUTHENTICATED`. An answer of more than 8 MiB is `MALFORMED`.
 *
 * Keep to one spelling of a secret: its name and its ARN are two secrets to the cache, and a write under the one leaves what
 * is cached under the other as old as it is.
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
    this.#syncApi = new SyncSecretsManagerApi(options, options.client !== undefined, source);
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
   * Reads by the SDK in a worker, with credentials that it finds there; a `client` that was given has none: `UNSUPPORTED`. Of
   * the environment the worker gets `AWS_*`, the variables of the network, and those that find profiles and start a
   * `credential_process`: `HOME`, `PATH`, `USER`, `TMPDIR` and their like.
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

  /** Twenty names a call, unless a version is asked for, which AWS knows for single reads alone. */
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

  /** The secret is created with the manager's KMS key and replica regions; on one that exists these stay as they are. */
  override async writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    assertNoParams(options.params, READS_ALONE);
    if (value !== '') return await this.#writer.write(secretName, value, options);
    throw new SecretManagerError(
      'INVALID_ARGUMENT',
      `AWS stores no empty value, as that of ${quoteName(secretName)} is. Delete the secret instead.`,
      { secretName },
    );
  }

  /** @param options `recoveryWindowInDays` is 7 to 30, or 0 for at once; AWS knows nothing between */
  override async deleteSecret(
    secretName: string,
    options: DeleteOptions = {},
  ): Promise<SecretMetadata> {
    assertNoParams(options.params, READS_ALONE);
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
    assertNoParams(options.params, READS_ALONE);
    try {
      const { Description, Tags } = await this.#api.describe(secretName, options);
      return { description: Description, tags: userTags(Tags) };
    } catch (thrown) {
      if (isAbsent(thrown)) return {};
      throw thrown;
    }
  }

  /** Throws `MISCONFIGURED` if there is no region, an option does not exist, or the endpoint is of no use. Calls nothing. */
  override async validateEnvironment(): Promise<void> {
    const isGiven = this.#options.client !== undefined;
    await assertUsable(this.#client, isGiven, this.#options);
    if (isGiven) await warnOfRetries(this.#client);
    if (this.#options.startsSyncReads) this.#syncApi.start();
  }

  /**
   * Whether AWS answers and knows the caller. A role that may not list secrets is known all the same: many may read what
   * they need, and nothing else.
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
  const { versionId: VersionId, versionStage: VersionStage, encoding } = parseReadParams(params);
  return { request: { SecretId: secretName, VersionId, VersionStage }, encoding };
}

/** Those that begin with `aws:` are set by AWS, and by nobody else. */
function userTags(tags: readonly Tag[] = []): Record<string, string> {
  return Object.fromEntries(
    tags
      .filter(({ Key = '' }) => !Key.startsWith('aws:'))
      .map(({ Key = '', Value = '' }) => [Key, Value]),
  );
}
