import { createHash } from 'node:crypto';
import { type VirtualKey } from 'nestjs-custom-secret-manager';

/** The record of a key, with the field names of LiteLLM. The key cannot be derived from it. */
export interface KeyRecord {
  /** The id of the record. Regenerating the key keeps it. */
  readonly id: string;
  readonly key_alias: string | null;
  /** The models that the key may use. An empty list permits all. */
  readonly models: readonly string[];
  readonly created_at: string;
  readonly expires: string | null;
  /** Blocks the key for every use. */
  readonly blocked?: boolean;
  /** The token id of the key that replaces this one. It is set before the replacement begins. */
  readonly successor?: string;
  /** Tells that the key was replaced. The record stays while the key overlaps with its successor. */
  readonly replaced?: boolean;
  /** The keys before this one. Some may still have records. */
  readonly former?: readonly FormerKey[];
  /** The alias that the key is being moved from. */
  readonly previous_alias?: string | null;
}

export interface FormerKey {
  readonly token_id: string;
  /** The time at which the overlap with its successor ends. */
  readonly until: string;
}

export const KEY_FORM = /^sk-[\w-]{16,}$/;
const TOKEN_ID_FORM = /^[0-9a-f]{64}$/;

/** Returns the SHA-256 of a key, which is its public id. Takes a key or its token id. */
export function tokenIdOf(keyOrTokenId: string): string {
  if (TOKEN_ID_FORM.test(keyOrTokenId)) return keyOrTokenId;
  return createHash('sha256').update(keyOrTokenId).digest('hex');
}

/** Returns the id and the alias under which the library stores the key. */
export function virtualKeyOf({ id, key_alias: alias }: KeyRecord): VirtualKey {
  return { id, alias };
}

/** Returns the ids and aliases under which the key may be stored. A key that is being moved to another alias has two. */
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
