import { Injectable } from '@nestjs/common';
import { SecretsService, type GetOptions } from 'nestjs-custom-secret-manager';
import { SecretHits } from '../status/secret-hits';
import { type KeyRecord } from './key-record';

/** The prefix of the names of all records. */
export const KEY_RECORDS = 'gateway/keys/';

/** The records of keys: one small JSON secret for each, by its token id. */
@Injectable()
export class KeyRecords {
  constructor(
    private readonly secrets: SecretsService,
    private readonly hits: SecretHits,
  ) {}

  async find(tokenId: string, options?: GetOptions): Promise<KeyRecord | undefined> {
    this.hits.add(KEY_RECORDS); // one counter for all: guessed keys must not fill the memory
    const text = await this.secrets.get(KEY_RECORDS + tokenId, { ...options, fallback: 'never' });
    return text === undefined ? undefined : (JSON.parse(text) as KeyRecord);
  }

  async put(tokenId: string, record: KeyRecord): Promise<void> {
    await this.secrets.set(KEY_RECORDS + tokenId, JSON.stringify(record));
  }

  async remove(tokenId: string): Promise<void> {
    await this.secrets.delete(KEY_RECORDS + tokenId, { recoveryWindowInDays: 0 });
  }
}
