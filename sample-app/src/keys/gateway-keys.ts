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
import { type GenerateKeyDto } from './key-requests';
import { KeyLock } from './key-lock';
import { StoredKeys, type KnownKey } from './stored-keys';

export interface IssuedKey extends KnownKey {
  readonly key: string;
}

/** The bounds of a check: while the store is down, a cached key is valid for a minute. */
const AUTHORISES = { staleIfErrorMs: 60_000, timeoutMs: 5_000 } as const;

/** Issues, authenticates and finds keys. */
@Injectable()
export class GatewayKeys {
  constructor(
    private readonly virtualKeys: VirtualKeysService,
    private readonly records: KeyRecords,
    private readonly stored: StoredKeys,
    private readonly lookups: KeyLookups,
    private readonly keyLock: KeyLock,
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

  /** Issues a key. Rejects with 409 if another request is issuing the same chosen key. */
  async generate(wanted: GenerateKeyDto): Promise<IssuedKey> {
    const { key } = wanted;
    if (key === undefined) return await this.make(await this.virtualKeys.generate(), wanted);
    return await this.keyLock.run(tokenIdOf(key), () => this.make(key, wanted));
  }

  /** Finds a key by its value or its token id. Rejects with 404 if there is none. */
  async find(keyOrTokenId: string): Promise<KnownKey> {
    const known = await this.stored.find(tokenIdOf(keyOrTokenId));
    if (known === undefined) throw noSuchKey();
    return known;
  }

  /** Rejects with 409 if a key with this token id exists. */
  async assertFree(tokenId: string): Promise<void> {
    if ((await this.stored.find(tokenId)) !== undefined) throw keyIsTaken();
  }

  private async make(key: string, wanted: GenerateKeyDto): Promise<IssuedKey> {
    const { key_alias = null, models, duration, blocked } = wanted;
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

  /** Looks up a key. If the cache does not confirm it, asks the store: another instance may have just changed the key. */
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
