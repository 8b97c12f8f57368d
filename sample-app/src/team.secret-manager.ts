import { Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import {
  CustomSecretManager,
  SecretManagerError,
  type DeleteOptions,
  type OperationOptions,
  type SecretReading,
  type WriteOptions,
} from 'nestjs-custom-secret-manager';
import { requestSync } from 'nestjs-custom-secret-manager/sync';
import { TeamStore } from './team-store';
import { storedIn, type Stored } from './team-store.answer';

/** Secrets as `{ "value": "..." }` in a KV 2 mount of HashiCorp Vault or OpenBao. */
@Injectable()
export class TeamSecretManager extends CustomSecretManager {
  readonly #store: TeamStore;

  constructor(config: ConfigService) {
    super('team-store');
    this.#store = new TeamStore(config);
  }

  override validateEnvironment(): void {
    this.#store.check();
  }

  override async readSecret(name: string, options: OperationOptions = {}) {
    return readingOf(await this.ask('GET', this.#store.path('data', name), options));
  }

  override readSecretSync(name: string, { timeoutMs }: OperationOptions = {}) {
    const { url, headers } = this.#store.request(this.#store.path('data', name));
    const response = requestSync(url, { headers, timeoutMs });
    return readingOf(storedIn(response.statusCode, response.headers, response.text()));
  }

  override async writeSecret(name: string, value: string, options: WriteOptions = {}) {
    const path = this.#store.path('data', name);
    const last = options.createOnly ? await this.ask('GET', path, options) : undefined;
    const cas = last && (last.data === null ? (last.metadata?.version ?? 0) : 0);
    const content = { data: { value }, options: { cas } };
    const { version } = await this.ask('POST', path, options, content);
    return { version: String(version) };
  }

  override async deleteSecret(name: string, options: DeleteOptions = {}): Promise<void> {
    const part = options.recoveryWindowInDays === 0 ? 'metadata' : 'data';
    await this.ask('DELETE', this.#store.path(part, name), options);
  }

  override async checkHealth({ signal }: OperationOptions = {}): Promise<boolean> {
    const { url, headers } = this.#store.request('sys/health');
    return (await fetch(url, { method: 'HEAD', headers, signal, redirect: 'manual' })).ok;
  }

  private async ask(method: string, path: string, options: OperationOptions, content?: object) {
    const { url, headers } = this.#store.request(path);
    const init = { method, headers, signal: options.signal, redirect: 'manual' } as const;
    const response = await fetch(url, { ...init, body: content && JSON.stringify(content) });
    return storedIn(response.status, response.headers, await response.text());
  }
}

function readingOf({ data, metadata }: Stored): SecretReading | undefined {
  if (data === null) return undefined;
  if (typeof data?.value !== 'string') {
    throw new SecretManagerError('MALFORMED', 'The secret is not kept as { "value": "..." }.');
  }
  return { value: data.value, version: String(metadata?.version) };
}
