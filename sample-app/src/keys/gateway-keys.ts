import { randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { VirtualKeysService } from 'nestjs-custom-secret-manager';
import { expiryAfter } from './duration';
import { keyIsTaken, noSuchKey } from './key-errors';
import { KeyLookups } from './key-lookups';
import { KEY_FORM, isExpired, tokenIdOf, virtualKeyOf, type KeyRecord } from './key-record';
import { KeyRecords } from './key-records';
import { type DeleteKeysDto, type GenerateKeyDto, type RegenerateKeyDto } from './key-requests';
import { StoredKeys, type KnownKey } from './stored-keys';

export interface IssuedKey extends KnownKey {
  readonly key: string;
}

/** Bounds for whom a cached key opens the door, if the store cannot be asked, to a minute after it was read. */
const AUTHORISES = { staleIfErrorMs: 60_000, timeoutMs: 5_000 } as const;

/** Issues keys, and tells who has one. */
@Injectable()
export class GatewayKeys {
  readonly #logger = new Logger('Gateway');

  constructor(
    private readonly virtualKeys: VirtualKeysService,
    private readonly records: KeyRecords,
    private readonly stored: StoredKeys,
    private readonly lookups: KeyLookups,
  ) {}

  /**
   * Resolves to what is known of a key, or to `undefined` if it is none. Goes on from the cache while the store is down, for a
   * minute. Rejects with 429 if too many unknown keys are looked up.
   */
  async authenticate(key: string): Promise<KeyRecord | undefined> {
    if (!KEY_FORM.test(key)) return undefined;
    const tokenId = tokenIdOf(key);
    this.lookups.assertPermitted(key, tokenId);
    const record = await this.lookUp(key, tokenId);
    this.lookups.ended(key, tokenId, record !== undefined);
    return record;
  }

  async generate(wanted: GenerateKeyDto): Promise<IssuedKey> {
    const { key_alias = null, models, duration } = wanted;
    const key = wanted.key ?? (await this.virtualKeys.generate());
    const tokenId = tokenIdOf(key);
    await this.assertFree(tokenId);
    const record: KeyRecord = {
      id: randomUUID(),
      key_alias,
      models: models ?? [],
      created_at: new Date().toISOString(),
      expires: duration ? expiryAfter(duration) : null,
    };
    await this.stored.add(tokenId, record, () =>
      this.virtualKeys.create({ ...virtualKeyOf(record), value: key }),
    );
    this.lookups.ended(key, tokenId, true);
    return { key, tokenId, record };
  }

  /** Takes a key, or its token id. */
  async find(keyOrTokenId: string): Promise<KnownKey> {
    const known = await this.stored.find(tokenIdOf(keyOrTokenId));
    if (known === undefined) throw noSuchKey();
    return known;
  }

  /** Replaces a key at once; it keeps its models, and its alias unless another one is given. */
  async regenerate(keyOrTokenId: string, wanted: RegenerateKeyDto): Promise<IssuedKey> {
    const old = await this.find(keyOrTokenId);
    const key = wanted.new_key ?? (await this.virtualKeys.generate());
    const tokenId = tokenIdOf(key);
    const record: KeyRecord = {
      ...old.record,
      key_alias: wanted.key_alias ?? old.record.key_alias,
      successor: undefined,
    };
    if (tokenId !== old.tokenId) {
      await this.assertFree(tokenId);
      await this.records.put(old.tokenId, { ...old.record, successor: tokenId });
    }
    await this.stored.add(tokenId, record, () =>
      this.virtualKeys.rotate(virtualKeyOf(old.record), { alias: record.key_alias, value: key }),
    );
    this.lookups.ended(key, tokenId, true);
    await this.tidyUp([old.tokenId, tokenIdOf(keyOrTokenId)].filter((each) => each !== tokenId));
    return { key, tokenId, record };
  }

  /** Resolves to the token ids and aliases of what was deleted; what is not there is left out. */
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

  private async lookUp(key: string, tokenId: string): Promise<KeyRecord | undefined> {
    const record = await this.records.find(tokenId, AUTHORISES);
    if (record === undefined || isExpired(record)) return undefined;
    const virtualKey = virtualKeyOf(record);
    if (await this.virtualKeys.verify(virtualKey, key, AUTHORISES)) return record;
    if (!this.lookups.isRecheckPermitted()) return undefined;
    // another instance may have made it a moment ago
    const isKey = await this.virtualKeys.verify(virtualKey, key, { maxAgeMs: 0 });
    return isKey ? record : undefined;
  }

  /** The key is replaced, and has to be told whatever becomes of the records of those before it: they open nothing. */
  private async tidyUp(replaced: readonly string[]): Promise<void> {
    try {
      for (const tokenId of new Set(replaced)) await this.records.remove(tokenId);
    } catch {
      this.#logger.warn('The record of a key that was replaced could not be removed.');
    }
  }

  private async assertFree(tokenId: string): Promise<void> {
    if ((await this.stored.find(tokenId)) !== undefined) throw keyIsTaken();
  }
}
