export interface Queued {
  readonly at: number;
  /** The order of the timers that are due at one moment. */
  readonly order: number;
}

/** Timers in a binary heap, with the next one on top. A deleted timer stays in the heap until its turn. */
export class TimerQueue<Timer extends Queued> {
  readonly #heap: Timer[] = [];
  readonly #pending = new Set<Timer>();

  get size(): number {
    return this.#pending.size;
  }

  add(timer: Timer): void {
    this.#pending.add(timer);
    this.#heap.push(timer);
    this.rise(this.#heap.length - 1);
  }

  delete(timer: Timer): boolean {
    return this.#pending.delete(timer);
  }

  /** Removes and returns the first timer that is due by then. */
  take(end: number): Timer | undefined {
    for (let [next] = this.#heap; next !== undefined && next.at <= end; [next] = this.#heap) {
      this.removeFirst();
      if (this.#pending.delete(next)) return next;
    }
    return undefined;
  }

  private removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.sink(0);
  }

  private rise(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.swapIfEarlier(at, parent)) return;
      at = parent;
    }
  }

  private sink(from: number): void {
    for (let at = from; ;) {
      const left = 2 * at + 1;
      const child = this.isEarlier(left + 1, left) ? left + 1 : left;
      if (!this.swapIfEarlier(child, at)) return;
      at = child;
    }
  }

  private swapIfEarlier(child: number, parent: number): boolean {
    const [lower, upper] = [this.#heap[child], this.#heap[parent]];
    if (lower === undefined || upper === undefined || !this.isEarlier(child, parent)) return false;
    this.#heap[child] = upper;
    this.#heap[parent] = lower;
    return true;
  }

  private isEarlier(one: number, other: number): boolean {
    const [first, second] = [this.#heap[one], this.#heap[other]];
    if (first === undefined || second === undefined) return false;
    return first.at === second.at ? first.order < second.order : first.at < second.at;
  }
}
