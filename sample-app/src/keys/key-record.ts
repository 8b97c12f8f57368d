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
  /** The token id of the key that is to replace it, from before that begins. */
  readonly successor?: string;
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

export function isExpired({ expires }: KeyRecord): boolean {
  return expires !== null && Date.now() >= Date.parse(expires);
}
