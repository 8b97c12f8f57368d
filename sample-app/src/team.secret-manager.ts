import { Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import {
  CustomSecretManager,
  SecretManagerError,
  type DeleteOptions,
  type OperationOptions,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from 'nestjs-custom-secret-manager';
import { KvClient, type Kept } from './kv-client';

/**
 * The team's store: a KV 2 mount of HashiCorp Vault or OpenBao that keeps each secret as `{ "value": "..." }`, without
 * description and tags. Address, token and mount come from `STORE_ADDR`, `STORE_TOKEN` and `STORE_MOUNT`, or `VAULT_...`.
 */
@Injectable()
export class TeamSecretManager extends CustomSecretManager {
  readonly #client: KvClient;

  constructor(config: ConfigService) {
    super('team-store');
    const setting = (name: string): string | undefined =>
      config.get<string>(`STORE_${name}`) ?? config.get<string>(`VAULT_${name}`);
    this.#client = new KvClient({
      address: setting('ADDR'),
      token: setting('TOKEN'),
      mount: setting('MOUNT'),
    });
  }

  override validateEnvironment(): void {
    const problem = this.#client.problem();
    if (problem) throw new SecretManagerError('MISCONFIGURED', `STORE_${problem}.`);
  }

  override async readSecret(
    secretName: string,
    options: OperationOptions = {},
  ): Promise<SecretReading | undefined> {
    return readingOf(await this.#client.ask('GET', 'data', secretName, options));
  }

  override readSecretSync(
    secretName: string,
    options: OperationOptions = {},
  ): SecretReading | undefined {
    return readingOf(this.#client.readSync(secretName, options));
  }

  override async writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    const cas = options.createOnly ? await this.absentVersion(secretName, options) : undefined;
    const content = { data: { value }, options: { cas } };
    const { version } = await this.#client.ask('POST', 'data', secretName, options, content);
    return { version: String(version) };
  }

  /** The store keeps what is deleted until somebody restores or destroys it; without a recovery window, nothing is kept. */
  override async deleteSecret(secretName: string, options: DeleteOptions = {}): Promise<void> {
    const part = options.recoveryWindowInDays === 0 ? 'metadata' : 'data';
    await this.#client.ask('DELETE', part, secretName, options);
  }

  override checkHealth(options: OperationOptions = {}): Promise<boolean> {
    return this.#client.isActive(options);
  }

  override close(): Promise<void> {
    return this.#client.close();
  }

  /** What a secret that is to be created must follow: the version that was deleted, or none. */
  private async absentVersion(secretName: string, options: OperationOptions): Promise<number> {
    const { data, metadata } = await this.#client.ask('GET', 'data', secretName, options);
    return data === null ? (metadata?.version ?? 0) : 0;
  }
}

function readingOf({ data, metadata }: Kept): SecretReading | undefined {
  if (data === null) return undefined;
  if (typeof data?.value !== 'string') {
    throw new SecretManagerError('MALFORMED', 'The secret is not kept as { "value": "..." }.');
  }
  return { value: data.value, version: String(metadata?.version) };
}
