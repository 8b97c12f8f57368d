import { Injectable } from '@nestjs/common';
import { SecretsService, type GetOptions } from 'nestjs-custom-secret-manager';
import { type KeyRecord } from './key-record';

const PREFIX = 'gateway/keys/';

/** One small JSON secret for each key, by its token id. */
@Injectable()
export class KeyRecords {
  constructor(private readonly secrets: SecretsService) {}

  async find(tokenId: string, options?: GetOptions): Promise<KeyRecord | undefined> {
    const text = await this.secrets.get(PREFIX + tokenId, { ...options, fallback: 'never' });
    return text === undefined ? undefined : (JSON.parse(text) as KeyRecord);
  }

  async put(tokenId: string, record: KeyRecord): Promise<void> {
    await this.secrets.set(PREFIX + tokenId, JSON.stringify(record));
  }

  async remove(tokenId: string): Promise<void> {
    await this.secrets.delete(PREFIX + tokenId, { recoveryWindowInDays: 0 });
  }
}
