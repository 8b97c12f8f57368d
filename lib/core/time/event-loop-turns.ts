/** Node's own `setImmediate`, read at import. A fake one would stop the count. */
const runAtEndOfTurn = setImmediate;

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
