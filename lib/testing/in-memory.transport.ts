import { SecretManagerError } from '../core/errors/secret-manager.error';
import { kindOf } from '../core/errors/wording';
import { startTimer } from '../core/time/clock';
import type { FleetTransport, FleetTransportListener } from '../fleet/fleet-transport';
import { assertCut, assertNumber, type CutOptions } from './fault-checks';
import { InMemoryBus, type BusMember } from './in-memory-bus';

/** One subscription of a transport, with the timers of its delayed messages. */
interface Subscriber {
  readonly on: FleetTransportListener;
  readonly timers: Set<() => void>;
  isConnected: boolean;
}

/**
 * A transport in memory, for tests of several applications in one process. Give each application a transport of its
 * own, and all of them one {@link InMemoryBus}.
 */
export class InMemoryTransport implements FleetTransport {
  readonly #bus: InMemoryBus;
  readonly #member: BusMember;
  readonly #subscribers = new Set<Subscriber>();
  /** Continue the publishes that a silent cut holds up. */
  readonly #held: (() => void)[] = [];
  #cut: CutOptions | undefined;
  #toDrop = 0;
  #delayMs = 0;

  constructor(bus: InMemoryBus) {
    if (!(bus instanceof InMemoryBus)) {
      const problem = `InMemoryTransport needs an InMemoryBus, and got ${kindOf(bus)}.`;
      throw new SecretManagerError('MISCONFIGURED', problem, { operation: 'constructor' });
    }
    this.#bus = bus;
    this.#member = {
      cut: (options) => this.cut(options),
      restore: () => this.restore(),
      receive: (message, delayMs) => this.#receive(message, delayMs),
    };
    bus.join(this.#member);
  }

  /** Rejects with `UNAVAILABLE` while cut. Waits for `restore()` while cut silently. */
  async publish(message: Uint8Array): Promise<void> {
    const copy = new Uint8Array(message);
    if (this.#cut?.silent === true) await new Promise<void>((resolve) => this.#held.push(resolve));
    if (this.#cut !== undefined) {
      throw new SecretManagerError('UNAVAILABLE', 'The transport is cut off from its bus.');
    }
    this.#bus.carry(copy);
  }

  async subscribe(
    on: FleetTransportListener,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<() => Promise<void>> {
    const subscriber: Subscriber = { on, timers: new Set(), isConnected: false };
    const end = (): void => {
      signal.removeEventListener('abort', end);
      this.#subscribers.delete(subscriber);
      for (const stop of subscriber.timers) stop();
    };
    if (!signal.aborted) {
      signal.addEventListener('abort', end);
      this.#subscribers.add(subscriber);
      queueMicrotask(() => this.#connect(subscriber));
    }
    return async () => end();
  }

  /** Cuts this transport off from the bus, until `restore()`. Messages in both directions are lost, delayed ones too. */
  cut(options: CutOptions = {}): void {
    assertCut(options);
    this.#cut = options;
    for (const subscriber of this.#subscribers) {
      for (const stop of subscriber.timers) stop();
      subscriber.timers.clear();
      if (options.silent === true || !subscriber.isConnected) continue;
      subscriber.isConnected = false;
      subscriber.on.disconnected();
    }
  }

  /** Connects this transport again. */
  restore(): void {
    this.#cut = undefined;
    for (const resume of this.#held.splice(0)) resume();
    for (const subscriber of this.#subscribers) this.#connect(subscriber);
  }

  /** Loses the next messages to this transport. Default 1. */
  drop(count = 1): void {
    assertNumber('drop()', count);
    this.#toDrop = count;
  }

  /** Delays each message to this transport from now on, in milliseconds. 0 ends it. */
  delay(delayMs: number): void {
    assertNumber('delay()', delayMs);
    this.#delayMs = delayMs;
  }

  #connect(subscriber: Subscriber): void {
    if (this.#cut !== undefined || subscriber.isConnected || !this.#subscribers.has(subscriber)) {
      return;
    }
    subscriber.isConnected = true;
    subscriber.on.connected();
  }

  #receive(message: Uint8Array, busDelayMs: number): void {
    if (this.#cut !== undefined) return;
    if (this.#toDrop > 0) {
      this.#toDrop -= 1;
      return;
    }
    for (const subscriber of this.#subscribers) {
      if (subscriber.isConnected) this.#deliver(message, subscriber, busDelayMs + this.#delayMs);
    }
  }

  #deliver(message: Uint8Array, subscriber: Subscriber, delayMs: number): void {
    const deliver = (): void => {
      subscriber.timers.delete(stop);
      if (this.#cut !== undefined || !this.#subscribers.has(subscriber)) return;
      try {
        subscriber.on.message(new Uint8Array(message));
      } catch {
        // a listener that throws harms no other
      }
    };
    let stop = (): void => undefined;
    if (delayMs === 0) return queueMicrotask(deliver);
    stop = startTimer(deliver, delayMs, { keepsAlive: false });
    subscriber.timers.add(stop);
  }
}
