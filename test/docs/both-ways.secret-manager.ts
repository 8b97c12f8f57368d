import { Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import { StoreResponseError, type OperationOptions } from 'nestjs-custom-secret-manager';
import { SyncHttp } from 'nestjs-custom-secret-manager/sync';
import { StoreSecretManager } from '../readme/quick-start/store.secret-manager';

@Injectable()
export class BothWaysSecretManager extends StoreSecretManager {
  readonly #http = new SyncHttp();

  constructor(private readonly settings: ConfigService) {
    super(settings);
  }

  override validateEnvironment(): void {
    this.#http.start(); // otherwise the first synchronous read starts the worker
  }

  override readSecretSync(
    secretName: string,
    { timeoutMs }: OperationOptions = {},
  ): string | undefined {
    const url = `${this.settings.getOrThrow<string>('STORE_URL')}/secrets/${encodeURIComponent(secretName)}`;
    const response = this.#http.request(url, { timeoutMs });
    if (response.statusCode === 200) return response.text();
    if (response.statusCode === 404) return undefined;
    throw new StoreResponseError(response.statusCode, { headers: response.headers });
  }

  override close(): Promise<void> {
    return this.#http.close();
  }
}
