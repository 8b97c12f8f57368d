import { Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import {
  CustomSecretManager,
  StoreResponseError,
  type OperationOptions,
} from 'nestjs-custom-secret-manager';
import { request } from 'undici';

@Injectable()
export class StoreSecretManager extends CustomSecretManager {
  constructor(private readonly config: ConfigService) {
    super('store');
  }

  override async readSecret(
    secretName: string,
    { timeoutMs, signal }: OperationOptions = {},
  ): Promise<string | undefined> {
    const path = secretName.split('/').map(encodeURIComponent).join('/');
    const url = `${this.config.getOrThrow<string>('STORE_URL')}/secrets/${path}`;
    const { statusCode, headers, body } = await request(url, { headersTimeout: timeoutMs, signal });
    const text = await body.text();
    if (statusCode === 200) return text;
    if (statusCode === 404) return undefined; // the store says that there is none: absent, not failed
    throw new StoreResponseError(statusCode, { headers }); // the library knows what 403 or 503 mean
  }
}
