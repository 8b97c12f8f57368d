/** Runs tasks that share a name one after the other. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** @param wait for one's turn: if it rejects, the task is not run, and nobody else comes earlier for it */
  take<T>(
    names: readonly string[],
    wait: (turn: Promise<unknown>) => Promise<unknown>,
    task: () => Promise<T>,
  ): Promise<T> {
    const before = Promise.all(names.map((name) => this.#last.get(name) ?? Promise.resolve()));
    const mine = wait(before).then(task);
    const both = Promise.allSettled([before, mine]);
    const settled: Promise<void> = both.then(() => this.leave(names, settled));
    for (const name of names) this.#last.set(name, settled);
    return mine;
  }

  private leave(names: readonly string[], mine: Promise<void>): void {
    for (const name of names) {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }
}
