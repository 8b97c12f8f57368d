import { createHash } from 'node:crypto';
import { type VirtualKey } from 'nestjs-custom-secret-manager';

/** What the gateway knows of a key: nothing from which the key could be told. The names are LiteLLM's. */
export interface KeyRecord {
  /** Stays the same when the key is regenerated. */
  readonly id: string;
  readonly key_alias: string | null;
  /** Which models it may use; none in the list means all. */
  readonly models: readonly string[];
  readonly created_at: string;
  readonly expires: string | null;
  /** Nobody may use the key. */
  readonly blocked?: boolean;
  /** The token id of the key that is to replace it, from before that begins. */
  readonly successor?: string;
  /** The key was replaced. The record stays as long as the key overlaps with its successor. */
  readonly replaced?: boolean;
  /** The keys before this one, of which there may still be records. */
  readonly former?: readonly FormerKey[];
  /** The alias that the key is being moved from. */
  readonly previous_alias?: string | null;
}

export interface FormerKey {
  readonly token_id: string;
  /** When it ends to overlap with the key that replaced it. */
  readonly until: string;
}

export const KEY_FORM = /^sk-[\w-]{16,}$/;
const TOKEN_ID_FORM = /^[0-9a-f]{64}$/;

/** A key's SHA-256, by which it is spoken of. Takes a key, or its token id. */
export function tokenIdOf(keyOrTokenId: string): string {
  if (TOKEN_ID_FORM.test(keyOrTokenId)) return keyOrTokenId;
  return createHash('sha256').update(keyOrTokenId).digest('hex');
}

/** Under which id and alias the library stores the key itself. */
export function virtualKeyOf({ id, key_alias: alias }: KeyRecord): VirtualKey {
  return { id, alias };
}

/** As {@link virtualKeyOf}; while the key is being moved to another alias, it is at one of two. */
export function virtualKeysOf(record: KeyRecord): readonly VirtualKey[] {
  const { id, previous_alias: previous } = record;
  return [virtualKeyOf(record), ...(previous === undefined ? [] : [{ id, alias: previous }])];
}

export function isUsable(record: KeyRecord): boolean {
  return !isExpired(record) && record.blocked !== true;
}

export function isExpired({ expires }: KeyRecord): boolean {
  return expires !== null && Date.now() >= Date.parse(expires);
}
