import { Injectable, Logger } from '@nestjs/common';
import { VirtualKeysService } from 'nestjs-custom-secret-manager';
import { expiryAfter, timeAfter } from './duration';
import { GatewayKeys, type IssuedKey } from './gateway-keys';
import { keyWasReplaced } from './key-errors';
import { KeyLock } from './key-lock';
import { KeyLookups } from './key-lookups';
import { tokenIdOf, virtualKeyOf, type FormerKey, type KeyRecord } from './key-record';
import { KeyRecords } from './key-records';
import { type RegenerateKeyDto, type UpdateKeyDto } from './key-requests';
import { RecentlyReplaced } from './recently-replaced';
import { StoredKeys, type KnownKey } from './stored-keys';

type Wanted = Partial<Pick<UpdateKeyDto, 'key_alias' | 'models' | 'duration' | 'blocked'>>;

/** Replaces and updates keys. One change of a key runs at a time; others are refused with 409. */
@Injectable()
export class KeyChanges {
  readonly #logger = new Logger('Gateway');
  readonly #recently = new RecentlyReplaced();

  constructor(
    private readonly keys: GatewayKeys,
    private readonly stored: StoredKeys,
    private readonly records: KeyRecords,
    private readonly virtualKeys: VirtualKeysService,
    private readonly keyLock: KeyLock,
    private readonly lookups: KeyLookups,
  ) {}

  /**
   * Replaces a key, and keeps what the request does not mention. Without a `grace_period`, the old key and all keys
   * before it end at once.
   */
  async regenerate(keyOrTokenId: string, wanted: RegenerateKeyDto): Promise<IssuedKey> {
    const asked = tokenIdOf(keyOrTokenId);
    await this.assertNotReplaced(asked);
    const { tokenId, record } = await this.keys.find(asked);
    const locked = [record.id, ...(wanted.new_key ? [tokenIdOf(wanted.new_key)] : [])];
    return await this.keyLock.runAll(locked, async () => {
      const old = await this.stored.find(asked);
      if (old?.tokenId !== tokenId) throw keyWasReplaced(); // before this request had the lock
      const issued = await this.replace(await this.writeRecord(old, old.record), wanted);
      this.#recently.add(asked, tokenId);
      await this.removeEnded(asked, old, issued);
      return issued;
    });
  }

  /** Updates alias, models, expiry and block of a key. The key itself stays. */
  async update(keyOrTokenId: string, wanted: Wanted): Promise<KnownKey> {
    const { tokenId, record } = await this.keys.find(keyOrTokenId);
    return await this.keyLock.run(record.id, async () => {
      const old = await this.stored.find(tokenId);
      if (old?.tokenId !== tokenId) throw keyWasReplaced();
      const settled = await this.writeRecord(old, old.record); // completes an earlier move that failed half-way
      return await this.writeRecord(settled, withChanges(settled.record, wanted));
    });
  }

  private async assertNotReplaced(tokenId: string): Promise<void> {
    if (this.#recently.has(tokenId)) throw keyWasReplaced();
    const record = await this.records.find(tokenId, { maxAgeMs: 0 });
    if (record?.replaced) throw keyWasReplaced();
  }

  private async replace(old: KnownKey, wanted: RegenerateKeyDto): Promise<IssuedKey> {
    const key = wanted.new_key ?? (await this.virtualKeys.generate());
    const tokenId = tokenIdOf(key);
    const until = wanted.grace_period ? timeAfter(wanted.grace_period) : new Date();
    const former = { token_id: old.tokenId, until: until.toISOString() };
    const record: KeyRecord = {
      ...withChanges(old.record, wanted),
      former: [...(isOverlapping(former) ? overlapping(old.record) : []), former],
      successor: undefined,
    };
    if (tokenId !== old.tokenId) {
      await this.keys.assertFree(tokenId);
      await this.records.put(old.tokenId, { ...old.record, successor: tokenId });
    }
    const overlapMs = Math.max(0, until.getTime() - Date.now());
    const { key_alias: alias } = record;
    await this.stored.add(
      tokenId,
      record,
      () => this.virtualKeys.rotate(virtualKeyOf(old.record), { alias, value: key }, { overlapMs }),
      tokenId === old.tokenId ? old.record : undefined,
    );
    this.lookups.recordOutcome(key, tokenId, true);
    return { key, tokenId, record };
  }

  /**
   * Writes a record, and moves the key if its alias changes. Meanwhile the key can always be found at one of the two
   * aliases.
   */
  private async writeRecord(
    { tokenId, record: old }: KnownKey,
    record: KeyRecord,
  ): Promise<KnownKey> {
    const { previous_alias, ...settled } = record;
    const from = previous_alias === undefined ? old.key_alias : previous_alias;
    const next = { tokenId, record: settled };
    if (from === record.key_alias) {
      if (record !== old) await this.records.put(tokenId, settled);
      return next;
    }
    const source = { id: record.id, alias: from };
    const move = {
      before: { ...old, key_alias: from, previous_alias: undefined },
      meanwhile: { ...settled, previous_alias: from },
      after: settled,
    };
    await this.stored.move(tokenId, move, async () => {
      if (!(await this.stored.isAt(source, tokenId))) return; // an earlier request has moved it
      await this.virtualKeys.rename(source, { alias: record.key_alias });
    });
    return next;
  }

  /**
   * Removes the records of ended keys. A failure is only logged: the key is replaced, and these records open nothing.
   */
  private async removeEnded(
    asked: string,
    old: KnownKey,
    { tokenId, record }: IssuedKey,
  ): Promise<void> {
    const kept = new Set(overlapping(record).map(({ token_id }) => token_id));
    const before = (old.record.former ?? []).map(({ token_id }) => token_id);
    const ended = [asked, old.tokenId, ...before].filter((each) => !kept.has(each));
    try {
      for (const each of new Set(ended)) if (each !== tokenId) await this.records.remove(each);
      if (kept.has(old.tokenId) && old.tokenId !== tokenId)
        await this.records.put(old.tokenId, { ...old.record, successor: tokenId, replaced: true });
    } catch {
      this.#logger.warn('The record of a key that was replaced could not be removed.');
    }
  }
}

function withChanges(
  record: KeyRecord,
  { key_alias, models, duration, blocked }: Wanted,
): KeyRecord {
  return {
    ...record,
    key_alias: key_alias ?? record.key_alias,
    models: models ?? record.models,
    expires: duration ? expiryAfter(duration) : record.expires,
    blocked: blocked ?? record.blocked,
  };
}

function overlapping({ former = [] }: KeyRecord): readonly FormerKey[] {
  return former.filter(isOverlapping);
}

function isOverlapping({ until }: FormerKey): boolean {
  return Date.parse(until) > Date.now();
}
