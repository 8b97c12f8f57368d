import { SecretManagerError } from '../../core/errors/secret-manager.error';
import type { FleetTransportListener } from '../fleet-transport';
import {
  startSubscription,
  Subscription,
  type BrokerConnection,
  type ConnectionEvents,
  type Warnings,
} from './subscription';

/** A connection that the transport opens, and over which it also publishes. */
export interface OwnConnection extends BrokerConnection {
  /** Connects first, if needed. Resolves when the broker has the message. */
  publish(message: Uint8Array): Promise<void>;
}

const IGNORED: ConnectionEvents = {
  message: () => undefined,
  interrupted: () => undefined,
  resumed: () => undefined,
  lost: () => undefined,
};

/**
 * The connections of a transport that opens them itself: one for each subscription, and one for a single message where
 * nothing is subscribed.
 */
export class OwnConnections {
  readonly #open: (events: ConnectionEvents) => OwnConnection;
  readonly #warnings: Warnings;
  readonly #connections = new Set<OwnConnection>();
  readonly #subscriptions = new Set<Subscription>();

  constructor(open: (events: ConnectionEvents) => OwnConnection, warnings: Warnings) {
    this.#open = open;
    this.#warnings = warnings;
  }

  /** Publishes over the connection of a subscription. Rejects with `UNAVAILABLE` while that is cut. */
  async publish(message: Uint8Array): Promise<void> {
    const [connection] = this.#connections;
    if (connection !== undefined) return await connection.publish(message);
    if ([...this.#subscriptions].some(({ isEnded }) => !isEnded)) {
      throw new SecretManagerError('UNAVAILABLE', 'The fleet has no connection to its broker now.');
    }
    const single = this.#open(IGNORED);
    try {
      await single.publish(message);
    } finally {
      await single.close();
    }
  }

  subscribe(on: FleetTransportListener, signal: AbortSignal): () => Promise<void> {
    for (const earlier of this.#subscriptions) {
      if (earlier.isEnded) this.#subscriptions.delete(earlier);
    }
    const subscription = new Subscription((events) => this.#keep(events), on, this.#warnings);
    this.#subscriptions.add(subscription);
    return startSubscription(subscription, signal);
  }

  #keep(events: ConnectionEvents): BrokerConnection {
    const connection = this.#open(events);
    this.#connections.add(connection);
    return {
      subscribe: () => connection.subscribe(),
      close: async () => {
        this.#connections.delete(connection);
        await connection.close();
      },
    };
  }
}
