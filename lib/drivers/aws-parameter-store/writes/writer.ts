import type { ParameterMetadata } from '@aws-sdk/client-ssm';
import type { SecretMetadata, WriteOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { isDenied } from '../../aws/errors';
import { toTags } from '../../aws/tags';
import type { ParameterTier } from '../options/parameter-store.options';
import { versionOf } from '../reads/reading';
import type { ParameterStoreApi, Target } from '../sdk/api';
import { isTaken } from '../sdk/errors';
import { addTags } from './tags';
import { valueProblem } from './value-problem';

export interface WriterOptions {
  readonly kmsKeyId?: string;
  readonly tier?: ParameterTier;
}

/** The value to write to a parameter. */
interface Write extends Target {
  readonly value: string;
  readonly options: WriteOptions;
}

/** Creates and overwrites parameters. An overwritten one keeps its type, its key and its tier. */
export class ParameterWriter {
  readonly #api: ParameterStoreApi;
  readonly #kmsKeyId: string | undefined;
  readonly #tier: ParameterTier | undefined;

  constructor(api: ParameterStoreApi, { kmsKeyId, tier }: WriterOptions) {
    this.#api = api;
    this.#kmsKeyId = kmsKeyId;
    this.#tier = tier;
  }

  async write(target: Target, value: string, options: WriteOptions): Promise<SecretMetadata> {
    this.assertStorable(target, value);
    const write = { ...target, value, options };
    if (options.createOnly) return await this.create(write);
    const metadata = await this.describe(write);
    if (metadata !== undefined && metadata !== 'denied')
      return await this.overwrite(write, metadata);
    try {
      return await this.create(write);
    } catch (thrown) {
      if (!isTaken(thrown)) throw thrown;
      return await this.overwrite(write, await this.describe(write));
    }
  }

  private assertStorable({ secretName }: Target, value: string): void {
    const problem = valueProblem(value, this.#tier);
    if (problem === undefined) return;
    throw new SecretManagerError(
      'INVALID_ARGUMENT',
      `The value of ${quoteName(secretName)} ${problem}.`,
      { secretName },
    );
  }

  private async create({ parameter, secretName, value, options }: Write): Promise<SecretMetadata> {
    const input = {
      Name: parameter,
      Value: value,
      Type: 'SecureString' as const,
      KeyId: this.#kmsKeyId,
      Tier: this.#tier,
      Overwrite: false,
      Description: options.description,
      Tags: toTags(options.tags),
    };
    const { Version } = await this.#api.put(secretName, input, options);
    return { version: writtenVersion(Version, secretName) };
  }

  /** Sends the key with the value: AWS takes the account's own key if a request names none. */
  private async overwrite(
    write: Write,
    metadata: ParameterMetadata | 'denied' | undefined,
  ): Promise<SecretMetadata> {
    const { parameter, secretName, value, options } = write;
    const input = {
      Name: parameter,
      Value: value,
      Overwrite: true,
      Description: options.description,
      ...this.keptOf(secretName, metadata),
    };
    const { Version } = await this.#api.put(secretName, input, options);
    const version = writtenVersion(Version, secretName);
    const tags = toTags(options.tags);
    if (tags !== undefined) await addTags(this.#api, write, tags, options);
    return { version };
  }

  /** Returns the key and the tier that an overwrite must repeat to keep them. */
  private keptOf(
    secretName: string,
    metadata: ParameterMetadata | 'denied' | undefined,
  ): { readonly KeyId?: string; readonly Tier?: ParameterTier } {
    if (metadata === undefined) throw notYetDescribed(secretName);
    if (metadata === 'denied') {
      if (this.#kmsKeyId === undefined) throw unknownKey(secretName);
      return { KeyId: this.#kmsKeyId, Tier: this.#tier };
    }
    const { Type, KeyId, Tier } = metadata;
    return {
      KeyId: Type === 'SecureString' ? KeyId : undefined, // AWS refuses a key for another type
      Tier: Tier === 'Advanced' ? Tier : this.#tier, // AWS never lowers a tier
    };
  }

  private async describe(write: Write): Promise<ParameterMetadata | 'denied' | undefined> {
    try {
      return await this.#api.describe(write, write.options);
    } catch (thrown) {
      if (isDenied(thrown)) return 'denied';
      throw thrown;
    }
  }
}

/** Returns the version that a write made. An answer without one is not that of AWS, and nothing may be written. */
function writtenVersion(given: unknown, secretName: string): string {
  const version = versionOf(given);
  if (version !== undefined) return version;
  throw new SecretManagerError(
    'MALFORMED',
    `AWS answered without a version to the write of ${quoteName(secretName)}, which may not be written. Check the endpoint.`,
    { secretName },
  );
}

function unknownKey(secretName: string): SecretManagerError {
  return new SecretManagerError(
    'ACCESS_DENIED',
    `${quoteName(secretName)} exists, and nothing was written: AWS would encrypt it with another key unless the request names ` +
      'its own, which the role may not see. Allow the role of the application ssm:DescribeParameters, or set `kmsKeyId`.',
    { secretName },
  );
}

function notYetDescribed(secretName: string): SecretManagerError {
  return new SecretManagerError(
    'UNAVAILABLE',
    `${quoteName(secretName)} was created or deleted at the same time, and nothing was written: AWS does not describe it yet. ` +
      'It may succeed later.',
    { secretName },
  );
}
