import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { VirtualKeysService } from 'nestjs-custom-secret-manager';
import { TokenBucket } from '../http/token-bucket';
import { tooManyUnknownKeys } from './key-errors';

const MAX_KNOWN = 10_000;

/**
 * Bounds what made-up keys cost. A key that the gateway generated is told from a made-up one by its tag, without the store. A key
 * whose value somebody chose looks like a made-up one: it is looked up while the bucket has tokens, and freely once it has been
 * found right.
 */
@Injectable()
export class KeyLookups {
  readonly #unknownKeys = new TokenBucket({ capacity: 100, perSecond: 20 });
  /** The token ids of chosen keys that were found right, the least recently used first. */
  readonly #known = new Set<string>();
  #knowsTags = false;
  /** Has the form of a generated key, and a tag that nobody has made. */
  readonly #madeUp = `sk-${randomBytes(64).toString('base64url').slice(0, 65)}`;

  constructor(private readonly virtualKeys: VirtualKeysService) {}

  /** Throws 429 if the key is unknown, and too many unknown keys have been looked up. */
  assertPermitted(key: string, tokenId: string): void {
    if (this.#known.has(tokenId) || this.isGenerated(key)) return;
    if (!this.#unknownKeys.take()) throw tooManyUnknownKeys();
  }

  /** Returns whether the store may be asked once more about a key that it may have changed. */
  isRecheckPermitted(): boolean {
    return this.#unknownKeys.take();
  }

  /** Remembers how a look-up ended. */
  ended(key: string, tokenId: string, isRight: boolean): void {
    this.#known.delete(tokenId);
    if (!isRight || this.isGenerated(key)) return;
    this.#known.add(tokenId);
    const [oldest] = this.#known;
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }

  /** Until the library has read what signs the tags, it takes the made-up key for one, too: then no key counts as generated. */
  private isGenerated(key: string): boolean {
    if (!this.virtualKeys.isIssuable(key)) return false;
    this.#knowsTags ||= !this.virtualKeys.isIssuable(this.#madeUp);
    return this.#knowsTags;
  }
}
