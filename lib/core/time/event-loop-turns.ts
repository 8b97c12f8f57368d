/** As it is at import: a fake clock of a test must not hold the event loop up. */
const atEndOfTurn = setImmediate;

/** Numbers the turns of the event loop in which somebody looks. */
export class EventLoopTurns {
  #current = 0;
  #isCounting = false;

  get current(): number {
    if (!this.#isCounting) {
      this.#isCounting = true;
      atEndOfTurn(() => {
        this.#isCounting = false;
        this.#current += 1;
      }).unref();
    }
    return this.#current;
  }
}
