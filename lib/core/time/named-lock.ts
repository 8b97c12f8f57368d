/** Runs one task at a time per name. Tasks under different names run concurrently. */
export class NamedLock {
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Runs the task when every earlier task under any of the names has settled.
   *
   * @param wait awaits the earlier tasks, bounded by the caller's own deadline. If it rejects, the task does
   *   not run, and the order of the others stays.
   */
  run<T>(
    names: readonly string[],
    wait: (earlier: Promise<unknown>) => Promise<unknown>,
    task: () => Promise<T>,
  ): Promise<T> {
    const earlier = Promise.all(names.map((name) => this.#last.get(name) ?? Promise.resolve()));
    const mine = wait(earlier).then(task);
    const both = Promise.allSettled([earlier, mine]);
    const settled: Promise<void> = both.then(() => this.release(names, settled));
    for (const name of names) this.#last.set(name, settled);
    return mine;
  }

  private release(names: readonly string[], mine: Promise<void>): void {
    for (const name of names) {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }
}
