/** Has a place in a {@link Bag}, which is the bag's own affair. */
export interface InBag {
  place: number;
}

/**
 * Holds things while they last, in no order. Most are in and out again at once, for which a `Set` is too slow: it gives each
 * an identity, is made smaller whenever it runs empty, and keeps what was deleted reachable for a while.
 */
export class Bag<Item extends InBag> implements Iterable<Item> {
  #items: Item[] = [];

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  add(item: Item): void {
    item.place = this.#items.length;
    if (this.isEmpty)
      this.#items = [item]; // mostly there is one: `push` makes room for 17
    else this.#items.push(item);
  }

  has(item: Item): boolean {
    return this.#items[item.place] === item;
  }

  /** Whether it was in it. */
  remove(item: Item): boolean {
    if (!this.has(item)) return false;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      this.#items[item.place] = last;
      last.place = item.place;
    }
    return true;
  }

  /** Takes out any one. */
  take(): Item | undefined {
    return this.#items.pop();
  }

  /** What is in it now, whatever becomes of it meanwhile. */
  [Symbol.iterator](): Iterator<Item> {
    return [...this.#items].values();
  }
}
