import { Injectable } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import {
  CustomSecretManager,
  StoreResponseError,
  type OperationOptions,
} from 'nestjs-custom-secret-manager';

@Injectable()
export class StoreSecretManager extends CustomSecretManager {
  constructor(private readonly config: ConfigService) {
    super('store');
  }

  override async readSecret(
    secretName: string,
    { signal }: OperationOptions = {},
  ): Promise<string | undefined> {
    const path = secretName.split('/').map(encodeURIComponent).join('/');
    const url = `${this.config.getOrThrow<string>('STORE_URL')}/secrets/${path}`;
    const response = await fetch(url, { signal });
    if (response.ok) return await response.text();
    if (response.status === 404) return undefined; // the store has no such secret
    throw new StoreResponseError(response.status, { headers: response.headers });
  }
}
