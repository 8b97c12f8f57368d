import type { FleetTransportListener } from '../fleet-transport';

/** The reports of a connection to its subscription. */
export interface ConnectionEvents {
  message(message: Uint8Array): void;
  /** The client has lost the broker, and reconnects by itself. */
  interrupted(): void;
  /** The client has reconnected, and the broker has confirmed the subscription. */
  resumed(): void;
  /** The connection is of no more use. */
  lost(reason: unknown): void;
}

/** One connection to a broker. */
export interface BrokerConnection {
  /** Connects and subscribes. Resolves when the broker has confirmed the subscription. */
  subscribe(): Promise<void>;
  /** Frees sockets and timers, also while `subscribe` is pending. Never rejects. */
  close(): Promise<void>;
}

export type Connect = (events: ConnectionEvents) => BrokerConnection;

/** The warnings of a subscription. */
export interface Warnings {
  /** The connection failed, and is tried again. */
  failed(reason: unknown): void;
  /** The listener threw. */
  threw(error: unknown): void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A server that accepts a connection and then says nothing would otherwise be waited for without end. */
const SUBSCRIBED_WITHIN_MS = 10_000;

/**
 * Keeps a subscription: connects, and connects again whenever the connection is lost, after 100 ms doubling to 5 s,
 * until it is ended.
 */
export class Subscription {
  readonly #connect: Connect;
  readonly #on: FleetTransportListener;
  readonly #warnings: Warnings;
  #connection: BrokerConnection | undefined;
  #closing: Promise<unknown> = Promise.resolve();
  #isEnded = false;
  #isConnected = false;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(connect: Connect, on: FleetTransportListener, warnings: Warnings) {
    this.#connect = connect;
    this.#on = guarded(on, warnings);
    this.#warnings = warnings;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  start(): void {
    try {
      this.#connection = this.#open();
      void this.#subscribe(this.#connection);
    } catch (reason) {
      this.#reconnect(reason);
    }
  }

  /** Ends the subscription. Resolves when nothing of it is left. */
  async end(): Promise<void> {
    this.#isEnded = true;
    clearTimeout(this.#retry);
    this.#drop();
    await this.#closing;
  }

  /** Opens a connection whose events count as long as it is the current one. */
  #open(): BrokerConnection {
    const ifCurrent = (report: () => void): void => {
      if (connection === this.#connection) report();
    };
    const connection: BrokerConnection = this.#connect({
      message: (message) => ifCurrent(() => this.#on.message(message)),
      interrupted: () => ifCurrent(() => this.#reportDisconnected()),
      resumed: () => ifCurrent(() => this.#reportConnected()),
      lost: (reason) => ifCurrent(() => this.#reconnect(reason)),
    });
    return connection;
  }

  async #subscribe(connection: BrokerConnection): Promise<void> {
    const fail = (reason: unknown): void => {
      if (connection === this.#connection) this.#reconnect(reason);
    };
    const late = new DOMException('The broker did not confirm the subscription.', 'TimeoutError');
    const deadline = setTimeout(() => fail(late), SUBSCRIBED_WITHIN_MS).unref();
    try {
      await connection.subscribe();
      if (connection === this.#connection) this.#reportConnected();
    } catch (reason) {
      fail(reason);
    } finally {
      clearTimeout(deadline);
    }
  }

  #reconnect(reason: unknown): void {
    if (this.#isEnded) return;
    this.#drop();
    if (this.#isConnected) this.#reportDisconnected();
    else this.#warnings.failed(reason);
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#retry = setTimeout(() => this.start(), pauseMs * (0.5 + Math.random() / 2)).unref();
  }

  #drop(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) return;
    this.#closing = Promise.allSettled([this.#closing, connection.close()]);
  }

  #reportConnected(): void {
    this.#failures = 0;
    this.#isConnected = true;
    this.#on.connected();
  }

  #reportDisconnected(): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    this.#on.disconnected();
  }
}

/** Keeps an error of the listener from the client, whose socket would end with it. */
function guarded(on: FleetTransportListener, warnings: Warnings): FleetTransportListener {
  const attempt = (call: () => void): void => {
    try {
      call();
    } catch (thrown) {
      warnings.threw(thrown);
    }
  };
  return {
    message: (message) => attempt(() => on.message(message)),
    connected: () => attempt(() => on.connected()),
    disconnected: () => attempt(() => on.disconnected()),
  };
}

/** Starts a subscription that ends with the signal, and returns the function that ends it. */
export function startSubscription(
  subscription: Subscription,
  signal: AbortSignal,
): () => Promise<void> {
  const end = async (): Promise<void> => {
    signal.removeEventListener('abort', onAbort);
    await subscription.end();
  };
  const onAbort = (): void => void end();
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  else subscription.start();
  return end;
}
