import type { NatsClient } from './nats-client';
import { closedError } from '../pending-calls';

/** The time for which a client waits for the next attempt, in milliseconds. It is longer than the longest pause. */
const SPARE_FOR_MS = 6_000;

/** A client that is connected, with those who want to know when it has closed. */
export class DialledClient {
  readonly #listeners = new Set<(reason: unknown) => void>();

  constructor(readonly client: NatsClient) {
    void client.closed().then((reason) => {
      for (const listener of this.#listeners) listener(reason ?? closedError());
    });
  }

  /** Calls back when the client has closed for good. Returns a function that removes the listener. */
  onClosed(listener: (reason: unknown) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Gives clients to connections, and takes them back. */
export interface NatsDialler {
  dial(): Promise<DialledClient>;
  /** Takes a client back. Resolves when nothing of it is left, or while it is still connecting. */
  release(dialled: Promise<DialledClient>): Promise<void>;
}

/** The dialler of a client that the team has connected, and that stays open. */
export function givenClient(client: NatsClient): NatsDialler {
  let dialled: DialledClient | undefined;
  return {
    dial: async () => (dialled ??= new DialledClient(client)),
    release: async () => undefined,
  };
}

/**
 * Dials by a function of the team. A client that is released while it connects goes to the next `dial`, because NATS
 * cannot give a connect up, and with `waitOnFirstConnect` it may take for ever. If nobody takes it, it is
 * closed within seconds of its connect.
 */
export class FunctionDialler implements NatsDialler {
  readonly #connect: () => Promise<NatsClient>;
  readonly #connecting = new Set<Promise<DialledClient>>();
  readonly #spare = new Set<Promise<DialledClient>>();

  constructor(connect: () => Promise<NatsClient>) {
    this.#connect = connect;
  }

  dial(): Promise<DialledClient> {
    const [spare] = this.#spare;
    if (spare !== undefined) {
      this.#spare.delete(spare);
      return spare;
    }
    const dialled = this.#connect().then((client) => new DialledClient(client));
    this.#connecting.add(dialled);
    void Promise.allSettled([dialled]).then(() => this.#settle(dialled));
    return dialled;
  }

  async release(dialled: Promise<DialledClient>): Promise<void> {
    if (this.#connecting.has(dialled)) this.#spare.add(dialled);
    else await close(dialled);
  }

  /** Closes a client that has connected between two attempts, unless the next attempt takes it. */
  #settle(dialled: Promise<DialledClient>): void {
    this.#connecting.delete(dialled);
    const closeSpare = (): void => void (this.#spare.delete(dialled) && close(dialled));
    if (this.#spare.has(dialled)) setTimeout(closeSpare, SPARE_FOR_MS);
  }
}

async function close(dialled: Promise<DialledClient>): Promise<void> {
  await dialled.then(({ client }) => client.close()).catch(() => undefined);
}
