/** Node's own `setImmediate`, read at import. Fake timers would stop the slices. */
const runAtEndOfTurn = setImmediate;

/** Calls `work` for each item: for the first slice at once, and for each further one in a turn of its own. */
export function inSlices<Item>(
  items: readonly Item[],
  size: number,
  work: (item: Item) => void,
): void {
  for (const item of items.slice(0, size)) work(item);
  if (items.length > size) runAtEndOfTurn(() => inSlices(items.slice(size), size, work));
}
