export interface CutWarningsOptions {
  /** The name of the manager. */
  readonly manager: string;
  /** The longest time for which a value is fresh during a cut, in milliseconds. */
  readonly disconnectedTtlMs: number;
  readonly warn: (message: string) => void;
}

/** Warns once for each cut of an instance from its fleet, and once for the reconnect after it. */
export class CutWarnings {
  readonly #options: CutWarningsOptions;
  #hasWarned = false;

  constructor(options: CutWarningsOptions) {
    this.#options = options;
  }

  onCut(why: string): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const { disconnectedTtlMs } = this.#options;
    this.warn(
      `is cut off from its fleet: ${why}. Changes are not heard; nothing is fresh for longer than ${disconnectedTtlMs} ms ` +
        'until the reconnect',
    );
  }

  onReconnect(): void {
    if (!this.#hasWarned) return;
    this.#hasWarned = false;
    this.warn('is connected to its fleet again; everything cached is read again');
  }

  private warn(text: string): void {
    const { manager, warn } = this.#options;
    warn(`${manager} ${text}.`);
  }
}
