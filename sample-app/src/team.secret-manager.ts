import { Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import {
  CustomSecretManager,
  type DeleteOptions,
  type OperationOptions,
  type WriteOptions,
} from 'nestjs-custom-secret-manager';
import { requestSync } from 'nestjs-custom-secret-manager/sync';
import { Agent, request } from 'undici';
import { TeamStore } from './team-store';
import { readingOf, storedIn } from './team-store.answer';

type Method = 'GET' | 'HEAD' | 'POST' | 'DELETE';

/** Secrets as `{ "value": "..." }` in a KV 2 mount of HashiCorp Vault or OpenBao. */
@Injectable()
export class TeamSecretManager extends CustomSecretManager {
  readonly #store: TeamStore;
  readonly #connections = new Agent();

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

  override async checkHealth(options: OperationOptions = {}) {
    const { statusCode } = await this.send('HEAD', 'sys/health', options);
    return statusCode === 200;
  }

  override async close() {
    await this.#connections.destroy();
  }

  private async ask(method: Method, path: string, options: OperationOptions, content?: object) {
    const { statusCode, headers, body } = await this.send(method, path, options, content);
    return storedIn(statusCode, headers, await body.text());
  }

  private send(method: Method, path: string, { signal }: OperationOptions, content?: object) {
    const { url, headers } = this.#store.request(path);
    const body = content && JSON.stringify(content);
    return request(url, { method, headers, body, signal, dispatcher: this.#connections });
  }
}
