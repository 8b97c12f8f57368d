const REMEMBERED_MS = 60_000;

/** Knows for a minute which keys were replaced: their records are gone, and "no such key" would mislead who came late. */
export class RecentlyReplaced {
  /** The time until which each is remembered, the oldest first. */
  readonly #tokenIds = new Map<string, number>();

  add(...tokenIds: readonly string[]): void {
    for (const [tokenId, until] of this.#tokenIds) {
      if (until > Date.now()) break;
      this.#tokenIds.delete(tokenId);
    }
    for (const tokenId of tokenIds) this.#tokenIds.set(tokenId, Date.now() + REMEMBERED_MS);
  }

  has(tokenId: string): boolean {
    return (this.#tokenIds.get(tokenId) ?? 0) > Date.now();
  }
}
