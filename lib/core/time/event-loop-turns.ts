/** Node's own `setImmediate`, read at import. Fake timers, which stand still, would hold the work up. */
export const runAtEndOfTurn = setImmediate;

/** Resolves in the next turn of the event loop, whatever the timers do. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void runAtEndOfTurn(resolve));
}

/** Numbers the turns of the event loop in which `current` is read. */
export class EventLoopTurns {
  #current = 0;
  #isCounting = false;

  get current(): number {
    if (!this.#isCounting) {
      this.#isCounting = true;
      runAtEndOfTurn(() => {
        this.#isCounting = false;
        this.#current += 1;
      }).unref();
    }
    return this.#current;
  }
}
