import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { VirtualKeysService } from 'nestjs-custom-secret-manager';
import { TokenBucket } from '../http/token-bucket';
import { tooManyUnknownKeys } from './key-errors';

const MAX_KNOWN = 10_000;

/**
 * Limits the cost of made-up keys. A generated key has a tag, which proves it without the store. A chosen key has no tag.
 * It is looked up while the bucket has tokens, and without a limit once it was valid.
 */
@Injectable()
export class KeyLookups {
  readonly #unknownKeys = new TokenBucket({ capacity: 100, perSecond: 20 });
  /** The token ids of chosen keys that were valid, least recently used first. */
  readonly #known = new Set<string>();
  #knowsTags = false;
  /** A key in the form of a generated one, with an invalid tag. */
  readonly #madeUp = `sk-${randomBytes(64).toString('base64url').slice(0, 65)}`;

  constructor(private readonly virtualKeys: VirtualKeysService) {}

  /** Throws a 429 if the key is unknown, and too many unknown keys have been looked up. */
  assertPermitted(key: string, tokenId: string): void {
    if (this.#known.has(tokenId) || this.isGenerated(key)) return;
    if (!this.#unknownKeys.take()) throw tooManyUnknownKeys();
  }

  /** Returns whether the store may be asked again about a key that another instance may have changed. */
  isRecheckPermitted(): boolean {
    return this.#unknownKeys.take();
  }

  /** Remembers whether a looked-up key was valid. */
  recordOutcome(key: string, tokenId: string, isValid: boolean): void {
    this.#known.delete(tokenId);
    if (!isValid || this.isGenerated(key)) return;
    this.#known.add(tokenId);
    const [oldest] = this.#known;
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }

  /**
   * Tells whether the library generated a key. The library accepts every tag until it has read its signing key. Until
   * then, no key counts as generated.
   */
  private isGenerated(key: string): boolean {
    if (!this.virtualKeys.isIssuable(key)) return false;
    this.#knowsTags ||= !this.virtualKeys.isIssuable(this.#madeUp);
    return this.#knowsTags;
  }
}
