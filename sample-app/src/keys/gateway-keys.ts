import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { VirtualKeysService, type VerifyOptions } from 'nestjs-custom-secret-manager';
import { expiryAfter } from './duration';
import { keyIsTaken, noSuchKey } from './key-errors';
import { KeyLookups } from './key-lookups';
import {
  KEY_FORM,
  isUsable,
  tokenIdOf,
  virtualKeyOf,
  virtualKeysOf,
  type KeyRecord,
} from './key-record';
import { KeyRecords } from './key-records';
import { type DeleteKeysDto, type GenerateKeyDto } from './key-requests';
import { StoredKeys, type KnownKey } from './stored-keys';

export interface IssuedKey extends KnownKey {
  readonly key: string;
}

/** The bounds of a check: while the store is down, a cached key is valid for a minute. */
const AUTHORISES = { staleIfErrorMs: 60_000, timeoutMs: 5_000 } as const;

/** Issues, authenticates, finds and deletes keys. */
@Injectable()
export class GatewayKeys {
  constructor(
    private readonly virtualKeys: VirtualKeysService,
    private readonly records: KeyRecords,
    private readonly stored: StoredKeys,
    private readonly lookups: KeyLookups,
  ) {}

  /**
   * Resolves to the record of a key, or to `undefined` if there is no such key. While the store is down, the cache
   * answers for a minute. Rejects with 429 if too many unknown keys are looked up.
   */
  async authenticate(key: string): Promise<KeyRecord | undefined> {
    if (!KEY_FORM.test(key)) return undefined;
    const tokenId = tokenIdOf(key);
    this.lookups.assertPermitted(key, tokenId);
    const record = await this.lookUpTwice(key, tokenId);
    this.lookups.recordOutcome(key, tokenId, record !== undefined);
    return record;
  }

  async generate(wanted: GenerateKeyDto): Promise<IssuedKey> {
    const { key_alias = null, models, duration, blocked } = wanted;
    const key = wanted.key ?? (await this.virtualKeys.generate());
    const tokenId = tokenIdOf(key);
    await this.assertFree(tokenId);
    const record: KeyRecord = {
      id: randomUUID(),
      key_alias,
      models: models ?? [],
      created_at: new Date().toISOString(),
      expires: duration ? expiryAfter(duration) : null,
      ...(blocked ? { blocked } : {}),
    };
    await this.stored.add(tokenId, record, () =>
      this.virtualKeys.create({ ...virtualKeyOf(record), value: key }),
    );
    this.lookups.recordOutcome(key, tokenId, true);
    return { key, tokenId, record };
  }

  /** Finds a key by the key or by its token id. Rejects with 404 if there is none. */
  async find(keyOrTokenId: string): Promise<KnownKey> {
    const known = await this.stored.find(tokenIdOf(keyOrTokenId));
    if (known === undefined) throw noSuchKey();
    return known;
  }

  /** Deletes keys. Resolves to the token ids and aliases of the deleted ones, without the missing ones. */
  async delete({ keys, key_aliases }: DeleteKeysDto): Promise<string[]> {
    const deleted: string[] = [];
    for (const tokenId of (keys ?? []).map(tokenIdOf)) {
      if (await this.stored.delete(tokenId)) deleted.push(tokenId);
    }
    for (const alias of key_aliases ?? []) {
      if (await this.stored.deleteAlias(alias)) deleted.push(alias);
    }
    if (deleted.length === 0) throw noSuchKey();
    return deleted;
  }

  async assertFree(tokenId: string): Promise<void> {
    if ((await this.stored.find(tokenId)) !== undefined) throw keyIsTaken();
  }

  /**
   * Looks up a key with a record, if need be once more without the cache: another instance may have just changed it.
   */
  private async lookUpTwice(key: string, tokenId: string): Promise<KeyRecord | undefined> {
    if ((await this.records.find(tokenId, AUTHORISES)) === undefined) return undefined;
    const record = await this.lookUp(key, tokenId, AUTHORISES);
    if (record !== undefined || !this.lookups.isRecheckPermitted()) return record;
    return await this.lookUp(key, tokenId, { maxAgeMs: 0 });
  }

  private async lookUp(
    key: string,
    tokenId: string,
    options: VerifyOptions,
  ): Promise<KeyRecord | undefined> {
    const own = await this.records.find(tokenId, options);
    const record = own && (await this.stored.recordFor(tokenId, own, options));
    if (record === undefined || !isUsable(record)) return undefined;
    for (const virtualKey of virtualKeysOf(record)) {
      if (await this.virtualKeys.verify(virtualKey, key, options)) return record;
    }
    return undefined;
  }
}
