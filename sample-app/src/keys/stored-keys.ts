import { Injectable } from '@nestjs/common';
import {
  VirtualKeysService,
  isSecretManagerError,
  type GetOptions,
  type VerifyOptions,
  type VirtualKey,
} from 'nestjs-custom-secret-manager';
import { aliasIsTaken } from './key-errors';
import { tokenIdOf, virtualKeysOf, type KeyRecord } from './key-record';
import { KeyRecords } from './key-records';

/** A stored key, and its record. */
export interface KnownKey {
  readonly tokenId: string;
  readonly record: KeyRecord;
}

/** A key that is stored at an alias. A key that another application stored has no record. */
export interface AliasedKey {
  readonly tokenId: string;
  readonly record: KeyRecord | undefined;
}

/** The prefix of the keys' names in the store. The library makes the names. */
export const VIRTUAL_KEYS = 'litellm/';

/** The options of reads before a change: they ask the store, not the cache. */
const NOW = { maxAgeMs: 0, fallback: 'never' } as const;

/**
 * The keys in the store, with their records. A key is valid only if both are there. The record is written before the key,
 * and removed after it. Instances thus share only the store, and a request that failed half-way can be retried.
 */
@Injectable()
export class StoredKeys {
  constructor(
    private readonly virtualKeys: VirtualKeysService,
    private readonly records: KeyRecords,
  ) {}

  /**
   * Resolves to the key with this token id. Also finds a key that had it before a regeneration that failed half-way.
   * The id identifies the key, because another key may have its alias by now.
   */
  async find(tokenId: string): Promise<KnownKey | undefined> {
    const asked = await this.records.find(tokenId, NOW);
    if (asked === undefined) return undefined;
    for (const key of virtualKeysOf(asked)) {
      const present = await this.tokenIdAt(key);
      const record = present === undefined ? undefined : await this.records.find(present, NOW);
      if (present && record?.id === asked.id) return { tokenId: present, record };
    }
    return asked.successor === undefined ? undefined : await this.find(asked.successor);
  }

  /**
   * Resolves to the valid record of a key: its own, or that of its successor once the key was replaced. An
   * overlapping key is thus blocked and limited like its successor.
   */
  async recordFor(tokenId: string, record: KeyRecord, options?: GetOptions): Promise<KeyRecord> {
    if (record.successor === undefined) return record;
    for (const key of virtualKeysOf(record)) {
      if ((await this.tokenIdAt(key, options)) === tokenId) return record;
    }
    const next = await this.records.find(record.successor, options);
    if (next?.id !== record.id) return record;
    return await this.recordFor(record.successor, next, options);
  }

  /** Resolves to whether the key is stored at this alias. */
  async isAt(key: VirtualKey, tokenId: string): Promise<boolean> {
    return (await this.tokenIdAt(key)) === tokenId;
  }

  /**
   * Writes the record, then stores the key. If the alias is taken, restores the earlier record.
   *
   * @param before the record of the same key, if there is one
   */
  async add(
    tokenId: string,
    record: KeyRecord,
    store: () => Promise<unknown>,
    before?: KeyRecord,
  ): Promise<void> {
    await this.records.put(tokenId, record);
    try {
      await store();
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (before === undefined) await this.records.remove(tokenId);
      else await this.records.put(tokenId, before);
      throw aliasIsTaken();
    }
  }

  /**
   * Moves the key to another alias with `move`. Its record names both aliases meanwhile, so that the key is always
   * found.
   */
  async move(
    tokenId: string,
    records: {
      readonly before: KeyRecord;
      readonly meanwhile: KeyRecord;
      readonly after: KeyRecord;
    },
    move: () => Promise<unknown>,
  ): Promise<void> {
    await this.records.put(tokenId, records.meanwhile);
    try {
      await move();
    } catch (error) {
      if (!isConflict(error)) throw error;
      await this.records.put(tokenId, records.before);
      throw aliasIsTaken();
    }
    await this.records.put(tokenId, records.after);
  }

  /** Removes a key with its records. If the key was replaced, only its overlap ends. */
  async delete(tokenId: string, record: KeyRecord): Promise<void> {
    const known = record.replaced ? undefined : await this.find(tokenId);
    if (known !== undefined) await this.remove(known);
    if (known?.tokenId !== tokenId) await this.records.remove(tokenId);
  }

  /** Removes the key at an alias with its records, even if another application stored it. */
  async deleteAlias(alias: string, { tokenId, record }: AliasedKey): Promise<void> {
    await this.removeKey({ id: alias, alias });
    await this.removeRecords(tokenId, record);
  }

  /** Resolves to the key that is stored at an alias. */
  async findAlias(alias: string): Promise<AliasedKey | undefined> {
    const tokenId = await this.tokenIdAt({ id: alias, alias });
    return tokenId === undefined ? undefined : { tokenId, record: await this.findRecord(tokenId) };
  }

  /** Resolves to the record of a token id, even if its key is missing. */
  async findRecord(tokenId: string): Promise<KeyRecord | undefined> {
    return await this.records.find(tokenId, NOW);
  }

  private async remove({ tokenId, record }: KnownKey): Promise<void> {
    for (const key of virtualKeysOf(record)) {
      if (await this.isAt(key, tokenId)) await this.removeKey(key);
    }
    await this.removeRecords(tokenId, record);
  }

  private async removeKey(key: VirtualKey): Promise<void> {
    const outcomes = await this.virtualKeys.delete([key]);
    const failure = outcomes.get(key.id);
    if (failure !== undefined) throw failure;
  }

  private async removeRecords(tokenId: string, record: KeyRecord | undefined): Promise<void> {
    for (const { token_id } of record?.former ?? []) {
      const former = await this.records.find(token_id, NOW);
      if (former?.replaced) await this.records.remove(token_id); // without `replaced`, the key is still valid
    }
    await this.records.remove(tokenId);
  }

  private async tokenIdAt(
    key: VirtualKey,
    options: VerifyOptions = NOW,
  ): Promise<string | undefined> {
    const value = await this.virtualKeys.find(key, options);
    return value === undefined ? undefined : tokenIdOf(value);
  }
}

function isConflict(error: unknown): boolean {
  return isSecretManagerError(error) && error.code === 'CONFLICT';
}
