import type { NatsClient } from 'nestjs-custom-secret-manager/fleet';

/** A connection to NATS whose statuses, refusals and end a test decides. */
export class FakeNats implements NatsClient {
  readonly published: Uint8Array[] = [];
  options: { maxReconnectAttempts?: number } | undefined = { maxReconnectAttempts: -1 };
  subscriptions = 0;
  statusIterators = 0;
  closedListeners = 0;
  isFlushing = true;
  #isClosed = false;
  #close: (reason: unknown) => void = () => undefined;
  readonly #closed = new Promise<unknown>((resolve) => (this.#close = resolve));
  #next: ((status: { type: string } | undefined) => void)[] = [];
  callback: (error: Error | null, message: { data: Uint8Array }) => void = () => undefined;

  publish(_: string, payload: Uint8Array): void {
    this.published.push(payload);
  }

  subscribe(_: string, options: { callback: FakeNats['callback'] }): { unsubscribe(): void } {
    if (this.#isClosed) throw new Error('The connection is closed.');
    this.subscriptions += 1;
    this.callback = options.callback;
    return { unsubscribe: () => (this.subscriptions -= 1) };
  }

  async flush(): Promise<void> {
    if (!this.isFlushing) await new Promise(() => undefined);
  }

  closed(): Promise<unknown> {
    this.closedListeners += 1;
    return this.#closed;
  }

  status(): AsyncIterable<{ type: string }> & { stop(): void } {
    this.statusIterators += 1;
    const next = this.#next;
    async function* iterate(): AsyncGenerator<{ type: string }> {
      for (;;) {
        const status = await new Promise<{ type: string } | undefined>((go) => next.push(go));
        if (status === undefined) return;
        yield status;
      }
    }
    const stop = (): void => {
      this.statusIterators -= 1;
      for (const go of next.splice(0)) go(undefined);
    };
    return Object.assign(iterate(), { stop });
  }

  tell(type: string): void {
    for (const go of this.#next.splice(0)) go({ type });
  }

  isClosed(): boolean {
    return this.#isClosed;
  }

  async close(reason?: Error): Promise<void> {
    this.#isClosed = true;
    this.#close(reason);
  }
}
