import type { NatsClient } from './nats-client';
import type { DialledClient, NatsDialler } from './nats-dialler';
import type { OwnConnection } from '../own-connections';
import { closedError, PendingCalls } from '../pending-calls';
import type { ConnectionEvents } from '../subscription';

/** The iterator of the client. It has `stop`, which its type does not show, and waits without end otherwise. */
type Statuses = ReturnType<NatsClient['status']> & { stop?(): void };

export interface NatsConnectionOptions {
  readonly dialler: NatsDialler;
  readonly subject: string;
  readonly events: ConnectionEvents;
}

/** A subscription on one connection to NATS, which reconnects by itself until it has closed. */
export class NatsConnection implements OwnConnection {
  readonly #options: NatsConnectionOptions;
  /** A flush stays pending for ever when the client closes. */
  readonly #calls = new PendingCalls();
  #dialled: Promise<DialledClient> | undefined;
  #isClosed = false;
  readonly #cleanups: (() => void)[] = [];

  constructor(options: NatsConnectionOptions) {
    this.#options = options;
  }

  async publish(message: Uint8Array): Promise<void> {
    const client = await this.#connect();
    client.publish(this.#options.subject, message);
    await this.#calls.run(client.flush());
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
    await this.#calls.run(client.flush());
    if (refusals.length > 0) throw refusals[0];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cleanUp of this.#cleanups.splice(0)) cleanUp();
    this.#calls.fail(closedError());
    if (this.#dialled !== undefined) await this.#options.dialler.release(this.#dialled);
  }

  async #connect(): Promise<NatsClient> {
    if (this.#dialled !== undefined) return (await this.#calls.run(this.#dialled)).client;
    this.#dialled = this.#options.dialler.dial();
    const dialled = await this.#calls.run(this.#dialled);
    const stop = dialled.onClosed((reason) => {
      this.#calls.fail(reason);
      this.#options.events.lost(reason);
    });
    this.#cleanups.push(stop);
    return dialled.client;
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
      this.#calls.run(client.flush()).then(
        () => events.resumed(),
        () => undefined, // lost again: the next reconnect is followed as well
      );
    }
  }
}
