import type { OwnConnection } from './own-connections';
import type { ConnectionEvents } from './subscription';

/** The part of a `NatsConnection` of `@nats-io/transport-node` that the transport uses. */
export interface NatsClient {
  publish(subject: string, payload: Uint8Array): void;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: { readonly data: Uint8Array }) => void },
  ): { unsubscribe(): void };
  flush(): Promise<void>;
  closed(): Promise<unknown>;
  status(): AsyncIterable<{ readonly type: string }>;
  isClosed(): boolean;
  close(): Promise<void>;
}

/** The iterator of the client. It has `stop`, which its type does not show, and waits without end otherwise. */
type Statuses = ReturnType<NatsClient['status']> & { stop?(): void };

export interface NatsConnectionOptions {
  readonly connect: () => Promise<NatsClient>;
  /** Closes the client with the connection. A client of the team stays open. */
  readonly isOwn: boolean;
  readonly subject: string;
  readonly events: ConnectionEvents;
}

/** A subscription on one connection to NATS, which reconnects by itself until it has closed. */
export class NatsConnection implements OwnConnection {
  readonly #options: NatsConnectionOptions;
  #connecting: Promise<NatsClient> | undefined;
  #isConnected = false;
  #isClosed = false;
  /** Reject the flushes that wait. A client that closes leaves them pending. */
  readonly #flushes = new Set<(reason: unknown) => void>();
  readonly #cleanups: (() => void)[] = [];

  constructor(options: NatsConnectionOptions) {
    this.#options = options;
  }

  async publish(message: Uint8Array): Promise<void> {
    const client = await this.#connect();
    client.publish(this.#options.subject, message);
    await this.#flush(client);
  }

  async subscribe(): Promise<void> {
    const client = await this.#connect();
    if (this.#isClosed) return;
    const { subject, events } = this.#options;
    const refusals: unknown[] = [];
    const subscription = client.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) return events.message(new Uint8Array(message.data));
        refusals.push(error); // the client has ended the subscription
        events.lost(error);
      },
    });
    this.#cleanups.push(() => subscription.unsubscribe());
    this.#watch(client);
    await this.#flush(client);
    if (refusals.length > 0) throw refusals[0];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cleanUp of this.#cleanups.splice(0)) cleanUp();
    if (!this.#options.isOwn) return;
    const closing = this.#connecting?.then((client) => client.close());
    // a pending connect cannot be ended, and is not waited for: its client closes as soon as it is there
    if (this.#isConnected) await closing?.catch(() => undefined);
    else closing?.catch(() => undefined);
  }

  #connect(): Promise<NatsClient> {
    this.#connecting ??= this.#options.connect().then((client) => {
      this.#isConnected = true;
      void client.closed().then((reason) => this.#onClosed(reason));
      return client;
    });
    return this.#connecting;
  }

  #onClosed(reason: unknown): void {
    const error = reason ?? new DOMException('The connection is closed.', 'InvalidStateError');
    for (const reject of this.#flushes) reject(error);
    this.#options.events.lost(error);
  }

  /** Resolves when the server has all that was sent before. */
  #flush(client: NatsClient): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#flushes.add(reject);
      const settled = client.flush().then(resolve, reject);
      void settled.then(() => this.#flushes.delete(reject));
    });
  }

  #watch(client: NatsClient): void {
    const statuses: Statuses = client.status();
    this.#cleanups.push(() => statuses.stop?.());
    void this.#follow(client, statuses).catch(() => undefined);
  }

  async #follow(client: NatsClient, statuses: Statuses): Promise<void> {
    const { events } = this.#options;
    for await (const { type } of statuses) {
      if (this.#isClosed) return;
      if (type === 'disconnect') events.interrupted();
      if (type !== 'reconnect') continue;
      this.#flush(client).then(
        () => events.resumed(),
        () => undefined, // lost again: the next reconnect is followed as well
      );
    }
  }
}
