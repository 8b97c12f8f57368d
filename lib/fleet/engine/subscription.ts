import { backoffMs } from '../../core/time/backoff';
import { BackgroundTimer } from '../../core/time/background-timer';
import type { FleetTransport } from '../fleet-transport';

const PAUSES = { firstMs: 1_000, longestMs: 30_000 };
/** The time in which `subscribe` must resolve, then the time in which the broker must confirm. It doubles, too. */
const PATIENCE = { firstMs: 2_000, longestMs: 30_000 };
/** The time in which a transport must reconnect by itself, in milliseconds. A client may be stuck in a handshake. */
const RECONNECT_MS = 5_000;

export interface SubscriptionListener {
  message(message: Uint8Array): void;
  connected(): void;
  disconnected(): void;
  /** Called when a transport refuses to subscribe. */
  failed(error: unknown): void;
}

interface Attempt {
  readonly abort: AbortController;
  unsubscribe: (() => Promise<void>) | undefined;
}

/**
 * The subscription of one instance. It subscribes again with backoff after a rejection, after a `subscribe` that
 * hangs, and while the broker confirms nothing.
 */
export class Subscription {
  readonly #transport: FleetTransport;
  readonly #on: SubscriptionListener;
  #attempt: Attempt | undefined;
  #failures = 0;
  readonly #timer = new BackgroundTimer();
  #isClosed = false;

  constructor(transport: FleetTransport, on: SubscriptionListener) {
    this.#transport = transport;
    this.#on = on;
  }

  /** Subscribes, in place of the subscription before. */
  start(): void {
    void this.abandon();
    if (this.#isClosed) return;
    const attempt = { abort: new AbortController(), unsubscribe: undefined };
    this.#attempt = attempt;
    void this.subscribe(attempt);
  }

  /** Unsubscribes. Resolves when the transport has released the subscription. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.abandon();
  }

  private async subscribe(attempt: Attempt): Promise<void> {
    this.retryAfter(backoffMs(this.#failures + 1, PATIENCE));
    const isCurrent = (): boolean => this.#attempt === attempt;
    try {
      const unsubscribe = await this.#transport.subscribe(this.listenerOf(isCurrent), {
        signal: attempt.abort.signal,
      });
      attempt.unsubscribe = unsubscribe;
      if (!isCurrent()) await release(attempt);
    } catch (error) {
      if (!isCurrent()) return;
      this.#on.failed(error);
      this.retryAfter(backoffMs(this.#failures + 1, PAUSES));
    }
  }

  private listenerOf(isCurrent: () => boolean): Parameters<FleetTransport['subscribe']>[0] {
    return {
      message: (message) => {
        if (isCurrent()) this.#on.message(message);
      },
      connected: () => {
        if (!isCurrent()) return;
        this.#failures = 0;
        this.#timer.stop();
        this.#on.connected();
      },
      disconnected: () => {
        if (!isCurrent()) return;
        this.retryAfter(RECONNECT_MS);
        this.#on.disconnected();
      },
    };
  }

  private retryAfter(delayMs: number): void {
    this.#timer.set(() => {
      this.#failures += 1;
      this.start();
    }, delayMs);
  }

  private abandon(): Promise<void> {
    this.#timer.stop();
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.abort.abort();
    return attempt ? release(attempt) : Promise.resolve();
  }
}

/** Unsubscribes, if the transport has subscribed. Never rejects, because the connection may be lost. */
async function release({ unsubscribe }: Attempt): Promise<void> {
  try {
    await unsubscribe?.();
  } catch {
    // nothing is received any more
  }
}
