/** An item that holds its own index in an {@link UnorderedSet}. Only the set writes the index. */
export interface Indexed {
  index: number;
}

/**
 * A set without an order. Adding and removing an item take constant time.
 *
 * Most items leave at once, and a `Set` is too slow for that. A `Set` gives each item an identity, shrinks
 * whenever it runs empty, and keeps deleted items reachable for a while.
 */
export class UnorderedSet<Item extends Indexed> implements Iterable<Item> {
  #items: Item[] = [];

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  add(item: Item): void {
    item.index = this.#items.length;
    if (this.isEmpty)
      this.#items = [item]; // usually the only item: `push` makes room for 17
    else this.#items.push(item);
  }

  has(item: Item): boolean {
    return this.#items[item.index] === item;
  }

  /** Returns `false` if the set does not hold the item. */
  remove(item: Item): boolean {
    if (!this.has(item)) return false;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      this.#items[item.index] = last;
      last.index = item.index;
    }
    return true;
  }

  /** Removes any item and returns it. */
  take(): Item | undefined {
    return this.#items.pop();
  }

  /** Iterates over a copy, so that the set may change during the iteration. */
  [Symbol.iterator](): Iterator<Item> {
    return [...this.#items].values();
  }
}
