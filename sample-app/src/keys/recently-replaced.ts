const REMEMBERED_MS = 60_000;

/** Remembers replaced keys for a minute. Their records are gone, and "no such key" would mislead a late caller. */
export class RecentlyReplaced {
  /** The time until which each is remembered, oldest first. */
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
