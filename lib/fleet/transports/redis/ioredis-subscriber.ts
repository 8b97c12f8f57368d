import { closedError } from '../pending-calls';
import type { BrokerConnection, ConnectionEvents } from '../subscription';

/** The part of `Redis` of ioredis that the transport uses. */
export interface Ioredis {
  readonly status: string;
  duplicate(override: object): Ioredis;
  connect(): Promise<unknown>;
  disconnect(): void;
  publish(channel: string, message: Buffer): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'messageBuffer', listener: (channel: Buffer, message: Buffer) => void): unknown;
  once(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

const GOODBYE_WITHIN_MS = 250;

/** Options of the subscriber that must not come from the team's client. */
const OWN_OPTIONS = {
  keyPrefix: '',
  lazyConnect: true,
  monitor: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  retryStrategy: () => null, // a new subscriber takes over
  disconnectTimeout: GOODBYE_WITHIN_MS, // a frozen server never closes its side
};

/** A subscriber of ioredis on a connection of its own. */
export class IoredisSubscriber implements BrokerConnection {
  readonly #subscriber: Ioredis;
  readonly #channel: string;
  readonly #events: ConnectionEvents;
  /** The error behind the end of the connection, which ioredis only emits. */
  #reason: unknown;

  constructor(client: Ioredis, channel: string, events: ConnectionEvents) {
    this.#subscriber = client.duplicate(OWN_OPTIONS);
    this.#channel = channel;
    this.#events = events;
    this.#subscriber.on('error', (error) => (this.#reason = error));
    this.#subscriber.on('messageBuffer', (_, message) => events.message(new Uint8Array(message)));
  }

  async subscribe(): Promise<void> {
    const ended = new Promise<never>((_, reject) => {
      this.#subscriber.once('end', () => {
        reject(closedError());
        this.#events.lost(this.#reason);
      });
    });
    try {
      await Promise.race([ended, this.#subscribed()]);
    } catch (error) {
      throw this.#reason ?? error;
    }
  }

  async close(): Promise<void> {
    if (this.#subscriber.status === 'end') return;
    const ended = once(this.#subscriber, ['end'], 2 * GOODBYE_WITHIN_MS);
    this.#subscriber.disconnect();
    await ended;
  }

  async #subscribed(): Promise<void> {
    await this.#subscriber.connect();
    await this.#subscriber.subscribe(this.#channel);
  }
}

const CONNECTING: readonly string[] = ['wait', 'connecting', 'connect'];

/** Publishes through the team's client. */
export class IoredisPublisher {
  readonly #client: Ioredis;
  #connected: Promise<void> | undefined;

  constructor(client: Ioredis) {
    this.#client = client;
  }

  /** Waits for a client that is connecting, because without an offline queue it would refuse the command. */
  async publish(channel: string, message: Buffer): Promise<void> {
    if (CONNECTING.includes(this.#client.status)) {
      this.#connected ??= this.#connect().finally(() => (this.#connected = undefined));
      await this.#connected;
    }
    await this.#client.publish(channel, message);
  }

  async #connect(): Promise<void> {
    const settled = once(this.#client, ['ready', 'close', 'end']);
    if (this.#client.status === 'wait') this.#client.connect().catch(() => undefined);
    await settled;
  }
}

/** Resolves at the first of the events, or after `limitMs` milliseconds if that is given. */
function once(client: Ioredis, events: readonly string[], limitMs?: number): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      for (const event of events) client.off(event, settle);
      resolve();
    };
    const timer = limitMs === undefined ? undefined : setTimeout(settle, limitMs);
    for (const event of events) client.once(event, settle);
  });
}
