import { Outdated } from '../pages/damage';

/** Remembers the latest state of a store that this process has seen, and detects older ones. */
export class Progress {
  #header: string | undefined;
  #changes = 0;

  /**
   * Checks and records a state that was read. Throws {@link Outdated} if it is older than the latest one.
   *
   * @param header the text at the head of the store, which identifies the store
   */
  see(header: string, changes: number): void {
    if (header === this.#header && changes < this.#changes) throw new Outdated();
    this.note(header, changes);
  }

  /** Records a state that was written. Others may have written a later one meanwhile. */
  note(header: string, changes: number): void {
    this.#changes = header === this.#header ? Math.max(changes, this.#changes) : changes;
    this.#header = header;
  }
}
