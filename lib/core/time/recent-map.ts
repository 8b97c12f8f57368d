/** Any clock that counts milliseconds. */
interface Clock {
  now(): number;
}

/** A map that deletes each entry a fixed time after its `at`. An entry behind one with a later `at` may stay longer. */
export class RecentMap<Value extends { readonly at: number }> {
  readonly #lifetimeMs: number;
  readonly #clock: Clock;
  /** The entries, the oldest first. */
  readonly #entries = new Map<string, Value>();

  /** @param clock the clock of `at` */
  constructor(lifetimeMs: number, clock: Clock) {
    this.#lifetimeMs = lifetimeMs;
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get(key: string): Value | undefined {
    if (this.isEmpty) return undefined;
    this.deleteOld();
    return this.#entries.get(key);
  }

  /** Sets the youngest entry. */
  set(key: string, value: Value): void {
    this.deleteOld();
    this.#entries.delete(key);
    this.#entries.set(key, value);
  }

  /** Changes an entry, which keeps its place. */
  update(key: string, value: Value): void {
    this.#entries.set(key, value);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Iterates over all entries, which may be deleted and updated meanwhile. */
  [Symbol.iterator](): IterableIterator<[key: string, value: Value]> {
    return this.#entries.entries();
  }

  private deleteOld(): void {
    const now = this.#clock.now();
    for (const [key, { at }] of this.#entries) {
      if (now - at < this.#lifetimeMs) return;
      this.#entries.delete(key);
    }
  }
}
