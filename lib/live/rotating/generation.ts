import { startTimer } from '../../core/time/clock';
import type { Values } from './sources';

/** One built resource, and the work in flight on it. */
export class Generation<Resource> {
  readonly resource: Resource;
  /** The values that it was built from. */
  readonly values: Values;
  readonly #dispose: (resource: Resource) => Promise<void>;
  #users = 0;
  #retirement: Promise<void> | undefined;
  #onDrained = (): void => undefined;

  /** @param dispose disposes of the resource, and never rejects */
  constructor(resource: Resource, values: Values, dispose: (resource: Resource) => Promise<void>) {
    this.resource = resource;
    this.values = values;
    this.#dispose = dispose;
  }

  async use<Result>(work: (resource: Resource) => Result | Promise<Result>): Promise<Result> {
    this.#users += 1;
    try {
      return await work(this.resource);
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#onDrained();
    }
  }

  /**
   * Waits for the work in flight, at most `drainMs`, and disposes of the resource once. A second call may shorten
   * the wait.
   */
  async retire(drainMs: number): Promise<void> {
    this.#retirement ??= this.drain().then(() => this.#dispose(this.resource));
    const stop = startTimer(() => this.#onDrained(), drainMs, { keepsAlive: true });
    await this.#retirement.finally(stop);
  }

  private async drain(): Promise<void> {
    if (this.#users === 0) return;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
  }
}
