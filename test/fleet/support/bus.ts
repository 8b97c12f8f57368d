import type { FleetTransport } from '../../../lib/fleet/fleet-transport';

type Listener = Parameters<FleetTransport['subscribe']>[0];

/** A broker in memory. Messages arrive in the next turn. */
export class Bus {
  readonly messages: Uint8Array[] = [];
  readonly transports = new Set<BusTransport>();

  transport(): BusTransport {
    const transport = new BusTransport(this);
    this.transports.add(transport);
    return transport;
  }

  /** Delivers bytes to every instance, as anybody with access to the broker could. */
  deliver(message: Uint8Array): void {
    this.messages.push(message);
    for (const transport of this.transports) transport.deliver(message);
  }
}

export class BusTransport implements FleetTransport {
  subscriptions = 0;
  #isCut = false;
  #isFrozen = false;
  #dropped = 0;
  #listener: Listener | undefined;

  constructor(private readonly bus: Bus) {}

  get isSubscribed(): boolean {
    return this.#listener !== undefined;
  }

  async publish(message: Uint8Array): Promise<void> {
    if (this.#isCut) throw new Error('the broker is gone');
    if (this.#isFrozen) return;
    this.bus.deliver(message);
  }

  async subscribe(on: Listener): Promise<() => Promise<void>> {
    this.subscriptions += 1;
    this.#listener = on;
    queueMicrotask(() => {
      if (!this.#isCut && !this.#isFrozen && this.#listener === on) on.connected();
    });
    return async () => {
      if (this.#listener === on) this.#listener = undefined;
    };
  }

  deliver(message: Uint8Array): void {
    const on = this.#listener;
    if (this.#isCut || this.#isFrozen || on === undefined) return;
    if (this.#dropped > 0) {
      this.#dropped -= 1;
      return;
    }
    queueMicrotask(() => on.message(message));
  }

  /** Loses the connection, and notices it. */
  cut(): void {
    this.#isCut = true;
    this.#listener?.disconnected();
  }

  reconnect(): void {
    this.#isCut = false;
    this.#listener?.connected();
  }

  /** Loses the connection without a notice, or gets it back. */
  freeze(isFrozen = true): void {
    this.#isFrozen = isFrozen;
  }

  /** Loses the next messages to this instance. */
  drop(count: number): void {
    this.#dropped += count;
  }
}
