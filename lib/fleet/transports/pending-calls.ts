/** Calls of a client that end with their connection, even if the client leaves them pending. */
export class PendingCalls {
  readonly #rejections = new Set<(reason: unknown) => void>();

  /** Settles as the work does, or rejects when the calls are failed. */
  run<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#rejections.add(reject);
      void work.then(resolve, reject).then(() => this.#rejections.delete(reject));
    });
  }

  fail(reason: unknown): void {
    for (const reject of this.#rejections) reject(reason);
    this.#rejections.clear();
  }
}

/** Returns the error of a connection that is closed. */
export function closedError(): Error {
  return new DOMException('The connection is closed.', 'AbortError');
}
