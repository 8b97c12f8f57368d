import { Injectable } from '@nestjs/common';
import {
  SecretsService,
  VirtualKeysService,
  isSecretManagerError,
  type VirtualKey,
} from 'nestjs-custom-secret-manager';
import { aliasIsTaken } from './key-errors';
import { tokenIdOf, virtualKeyOf, type KeyRecord } from './key-record';
import { KeyRecords } from './key-records';

/** A key that there is, and what is known of it. */
export interface KnownKey {
  readonly tokenId: string;
  readonly record: KeyRecord;
}

/** Where the library keeps the keys themselves. */
export const VIRTUAL_KEYS = 'litellm/';

/** Whoever changes a key looks at the store, not at the cache. */
const NOW = { maxAgeMs: 0, fallback: 'never' } as const;

/**
 * A key counts if it is in the store and its record is, too: neither opens anything without the other. So the record is
 * written before the key and removed after it, instances have to agree on nothing but the store, and what broke off half-way
 * is asked for once more.
 */
@Injectable()
export class StoredKeys {
  constructor(
    private readonly secrets: SecretsService,
    private readonly virtualKeys: VirtualKeysService,
    private readonly records: KeyRecords,
  ) {}

  /**
   * The key that has this token id, or had it before a regeneration that broke off: it is known by its id. What has its alias
   * by now may be another key.
   */
  async find(tokenId: string): Promise<KnownKey | undefined> {
    const asked = await this.records.find(tokenId, NOW);
    const present = asked && (await this.tokenIdAt(virtualKeyOf(asked)));
    const record = present && (await this.records.find(present, NOW));
    if (record && record.id === asked.id) return { tokenId: present, record };
    return asked?.successor === undefined ? undefined : await this.find(asked.successor);
  }

  /** Writes the record, then has the key stored. */
  async add(tokenId: string, record: KeyRecord, store: () => Promise<unknown>): Promise<void> {
    await this.records.put(tokenId, record);
    try {
      await store();
    } catch (error) {
      if (!isSecretManagerError(error) || error.code !== 'CONFLICT') throw error;
      await this.records.remove(tokenId);
      throw aliasIsTaken();
    }
  }

  /** Resolves to whether there was one. */
  async delete(tokenId: string): Promise<boolean> {
    const record = await this.records.find(tokenId, NOW);
    if (record === undefined) return false;
    const known = await this.find(tokenId);
    if (known !== undefined) await this.remove(virtualKeyOf(known.record), known.tokenId);
    if (known?.tokenId !== tokenId) await this.records.remove(tokenId);
    return true;
  }

  /** As {@link delete}, whoever stored it. */
  async deleteAlias(alias: string): Promise<boolean> {
    const key = { id: alias, alias };
    const tokenId = await this.tokenIdAt(key);
    if (tokenId === undefined) return false;
    await this.remove(key, tokenId);
    return true;
  }

  private async remove(key: VirtualKey, tokenId: string): Promise<void> {
    const outcomes = await this.virtualKeys.delete([key]);
    const failure = outcomes.get(key.id);
    if (failure !== undefined) throw failure;
    await this.records.remove(tokenId);
  }

  private async tokenIdAt({ id, alias }: VirtualKey): Promise<string | undefined> {
    const key = await this.secrets.get(VIRTUAL_KEYS + (alias ?? `virtual-key-${id}`), NOW);
    return key === undefined ? undefined : tokenIdOf(key);
  }
}
