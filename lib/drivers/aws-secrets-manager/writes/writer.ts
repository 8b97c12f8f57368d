import { randomUUID } from 'node:crypto';
import type { SecretMetadata, WriteOptions } from '../../../core/contract/custom-secret-manager';
import { awsNameOf } from '../../aws/errors';
import { toTags } from '../../aws/tags';
import type { SecretsManagerApi } from '../sdk/api';
import { isAbsent } from '../sdk/errors';
import type { SecretDeletion } from './deletion';
import { isPendingDeletion } from './pending-deletion';
import { SecretRestoration } from './restoration';
import { toRegions, type Write } from './write';

export interface WriterOptions {
  /** The KMS key of new secrets. Default: the account's key for Secrets Manager. */
  readonly kmsKeyId?: string;
  /** The regions that new secrets are copied to. Default: none. */
  readonly replicaRegions?: readonly string[];
}

/** Writes secrets, whether they exist, are missing or are pending deletion. */
export class SecretWriter {
  readonly #api: SecretsManagerApi;
  readonly #kmsKeyId: string | undefined;
  readonly #regions: readonly string[];
  readonly #restoration: SecretRestoration;

  constructor(
    api: SecretsManagerApi,
    deletion: SecretDeletion,
    { kmsKeyId, replicaRegions = [] }: WriterOptions,
  ) {
    this.#api = api;
    this.#kmsKeyId = kmsKeyId;
    this.#regions = replicaRegions;
    this.#restoration = new SecretRestoration(api, deletion, replicaRegions);
  }

  async write(name: string, value: string, options: WriteOptions): Promise<SecretMetadata> {
    const write = { name, value, token: randomUUID(), options };
    const version = await (options.createOnly ? this.create(write) : this.createOrUpdate(write));
    return { version };
  }

  private async createOrUpdate(write: Write): Promise<string | undefined> {
    try {
      return await this.update(write);
    } catch (thrown) {
      if (isAbsent(thrown)) return await this.create(write);
      if (await this.isPendingDeletion(thrown, write)) return await this.restore(write);
      throw thrown;
    }
  }

  /**
   * Creates the secret. With `createOnly`, a secret that is pending deletion counts as missing, although AWS
   * reserves its name.
   */
  private async create(write: Write): Promise<string | undefined> {
    const { name, value, token, options } = write;
    try {
      const { VersionId } = await this.#api.create(
        {
          Name: name,
          SecretString: value,
          ClientRequestToken: token,
          Description: options.description,
          Tags: toTags(options.tags),
          KmsKeyId: this.#kmsKeyId,
          AddReplicaRegions: this.#regions.length > 0 ? toRegions(this.#regions) : undefined,
        },
        options,
      );
      return VersionId;
    } catch (thrown) {
      if (await this.isPendingDeletion(thrown, write)) return await this.restore(write);
      const wasOvertaken = awsNameOf(thrown) === 'ResourceExistsException' && !options.createOnly;
      if (wasOvertaken) return await this.update(write);
      throw thrown;
    }
  }

  /** Writes the tags before the value, so that a role without the right to tag writes nothing. */
  private async update({ name, value, token, options }: Write): Promise<string | undefined> {
    const { description, tags } = options;
    const Tags = toTags(tags);
    if (Tags !== undefined) await this.#api.tag({ SecretId: name, Tags }, options);
    const request = { SecretId: name, SecretString: value, ClientRequestToken: token };
    const { VersionId } =
      description === undefined
        ? await this.#api.putValue(request, options)
        : await this.#api.update({ ...request, Description: description }, options);
    return VersionId;
  }

  private restore(write: Write): Promise<string | undefined> {
    return this.#restoration.write(write, (restored) => this.update(restored));
  }

  private isPendingDeletion(thrown: unknown, { name, options }: Write): Promise<boolean> {
    return isPendingDeletion(thrown, this.#api, name, options);
  }
}
