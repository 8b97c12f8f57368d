import type { Patience } from './patience';

/** Lets one through at a time, in the order in which they came. Who loses patience leaves the queue. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  async take<T>(patience: Patience, task: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    this.#last = before.then(() => ended);
    try {
      await patience.until(before);
      return await task();
    } finally {
      end();
    }
  }

  /** Resolves when nobody is left of those who are in the queue now. */
  async end(): Promise<void> {
    await this.#last;
  }
}
