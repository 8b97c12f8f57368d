import type { BrokerConnection, ConnectionEvents } from '../subscription';

/** The part of a client of node-redis that the transport uses. */
export interface NodeRedis {
  readonly isReady: boolean;
  readonly options?: { readonly socket?: object };
  duplicate(overrides: object): NodeRedis;
  connect(): Promise<unknown>;
  publish(channel: string, message: Buffer): Promise<unknown>;
  subscribe(
    channel: string,
    listener: (message: Buffer) => void,
    bufferMode: true,
  ): Promise<unknown>;
  /** Closes at once. Versions 5 and 6. */
  destroy?(): void;
  /** Closes at once. Version 4. */
  disconnect(): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** A subscriber of node-redis on a connection of its own. */
export class NodeRedisSubscriber implements BrokerConnection {
  readonly #subscriber: NodeRedis;
  readonly #channel: string;
  readonly #events: ConnectionEvents;
  /** Destroys the socket. The client itself cannot be destroyed before it has connected. */
  readonly #socket = new AbortController();
  #connecting: Promise<unknown> = Promise.resolve();

  constructor(client: NodeRedis, channel: string, events: ConnectionEvents) {
    this.#subscriber = client.duplicate({
      socket: {
        ...client.options?.socket,
        reconnectStrategy: false, // a new subscriber takes over
        signal: this.#socket.signal, // the client hands it to net.connect or tls.connect
      },
    });
    this.#channel = channel;
    this.#events = events;
  }

  async subscribe(): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.#subscriber.on('error', (error) => {
        reject(error);
        this.#events.lost(error);
      });
    });
    await Promise.race([failed, this.#subscribed()]);
  }

  async close(): Promise<void> {
    this.#socket.abort();
    await new Promise(setImmediate); // the socket closes
    void Promise.allSettled([this.#connecting]).then(() => this.#destroy());
  }

  async #subscribed(): Promise<void> {
    this.#connecting = this.#subscriber.connect();
    await this.#connecting;
    const receive = (message: Buffer): void => this.#events.message(new Uint8Array(message));
    await this.#subscriber.subscribe(this.#channel, receive, true);
  }

  #destroy(): void {
    const subscriber = this.#subscriber;
    const destroy = async (): Promise<unknown> =>
      subscriber.destroy === undefined ? subscriber.disconnect() : subscriber.destroy();
    destroy().catch(() => undefined); // it is closed already
  }
}
