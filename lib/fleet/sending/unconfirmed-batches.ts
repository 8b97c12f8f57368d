import type { Batch } from './pending-names';

/** The published batches by sequence number, until they come back from the broker. */
export class UnconfirmedBatches {
  readonly #batches = new Map<number, Batch>();
  #names = 0;

  /** The number of names in all batches. */
  get names(): number {
    return this.#names;
  }

  get size(): number {
    return this.#batches.size;
  }

  add(sequence: number, batch: Batch): void {
    this.#batches.set(sequence, batch);
    this.#names += namesIn(batch);
  }

  /** Removes a batch, and returns it. */
  take(sequence: number): Batch | undefined {
    const batch = this.#batches.get(sequence);
    if (batch === undefined) return undefined;
    this.#batches.delete(sequence);
    this.#names -= namesIn(batch);
    return batch;
  }

  /** Removes all batches, and returns them in their order. */
  takeAll(): readonly Batch[] {
    const batches = [...this.#batches.values()];
    this.#batches.clear();
    this.#names = 0;
    return batches;
  }
}

function namesIn({ names }: Batch): number {
  return names === 'all' ? 1 : names.size;
}
