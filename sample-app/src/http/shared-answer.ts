/** One answer for all callers while it is in flight, and for a while after that. */
export class SharedAnswer<T> {
  readonly #lastsMs: number;
  readonly #ask: () => Promise<T>;
  #answer: Promise<T> | undefined;
  #isPending = false;
  #askedAt = 0;

  constructor(ask: () => Promise<T>, { lastsMs }: { readonly lastsMs: number }) {
    this.#ask = ask;
    this.#lastsMs = lastsMs;
  }

  get(): Promise<T> {
    const at = performance.now();
    if (this.#answer && (this.#isPending || at < this.#askedAt + this.#lastsMs))
      return this.#answer;
    this.#askedAt = at;
    this.#isPending = true;
    this.#answer = this.#ask().finally(() => (this.#isPending = false));
    return this.#answer;
  }
}
