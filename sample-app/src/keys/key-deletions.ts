import { Injectable } from '@nestjs/common';
import { keyIsChanging, keyWasReplaced, noSuchKey } from './key-errors';
import { tokenIdOf } from './key-record';
import { type DeleteKeysDto } from './key-requests';
import { KeyLock } from './key-lock';
import { StoredKeys } from './stored-keys';

/**
 * Deletes keys. A deletion locks the key and its token id. Meanwhile no other change can write a record, and nobody can
 * choose the same key.
 */
@Injectable()
export class KeyDeletions {
  constructor(
    private readonly stored: StoredKeys,
    private readonly keyLock: KeyLock,
  ) {}

  /** Deletes keys. Resolves to the token ids and aliases of the deleted ones. Rejects with 404 if all are missing. */
  async delete({ keys, key_aliases }: DeleteKeysDto): Promise<string[]> {
    const deleted: string[] = [];
    for (const tokenId of (keys ?? []).map(tokenIdOf)) {
      if (await this.deleteKey(tokenId)) deleted.push(tokenId);
    }
    for (const alias of key_aliases ?? []) {
      if (await this.deleteAlias(alias)) deleted.push(alias);
    }
    if (deleted.length === 0) throw noSuchKey();
    return deleted;
  }

  private async deleteKey(tokenId: string): Promise<boolean> {
    const before = await this.stored.findRecord(tokenId);
    if (before === undefined) return false;
    return await this.keyLock.runAll([before.id, tokenId], async () => {
      const record = await this.stored.findRecord(tokenId);
      if (record?.id !== before.id) throw keyWasReplaced(); // before this request had the lock
      if (record.replaced && !before.replaced) throw keyWasReplaced();
      await this.stored.delete(tokenId, record);
      return true;
    });
  }

  private async deleteAlias(alias: string): Promise<boolean> {
    const before = await this.stored.findAlias(alias);
    if (before === undefined) return false;
    const { tokenId, record } = before;
    return await this.keyLock.runAll([record?.id ?? alias, tokenId], async () => {
      const found = await this.stored.findAlias(alias);
      if (found?.tokenId !== tokenId || found.record?.id !== record?.id) throw keyIsChanging();
      await this.stored.deleteAlias(alias, found);
      return true;
    });
  }
}
