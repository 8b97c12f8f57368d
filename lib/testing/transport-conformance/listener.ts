import assert from 'node:assert/strict';
import type { FleetTransport } from '../../fleet/fleet-transport';

const POLL_MS = 5;
/** The time in which a call that should not come would have come. */
const QUIET_MS = 60;

/** A subscription that records the calls of its transport. */
export class Listener {
  readonly messages: Uint8Array[] = [];
  readonly events: ('connected' | 'disconnected')[] = [];
  /** Called with each message. May throw. */
  onMessage: () => void = () => undefined;
  readonly #controller = new AbortController();
  #unsubscribe: (() => Promise<void>) | undefined;

  constructor(
    readonly transport: FleetTransport,
    private readonly endsAt: number,
  ) {}

  async subscribe(signal: AbortSignal = this.#controller.signal): Promise<void> {
    const unsubscribe = await this.transport.subscribe(
      {
        message: (message) => {
          this.messages.push(message);
          this.onMessage();
        },
        connected: () => this.events.push('connected'),
        disconnected: () => this.events.push('disconnected'),
      },
      { signal },
    );
    assert.equal(typeof unsubscribe, 'function', '`subscribe` has to resolve to a function');
    this.#unsubscribe = unsubscribe;
  }

  async unsubscribe(): Promise<void> {
    await this.#unsubscribe?.();
  }

  abort(): void {
    this.#controller.abort();
  }

  /** Resolves when `connected` was called this often. */
  async connected(times = 1): Promise<void> {
    const count = (): number => this.events.filter((event) => event === 'connected').length;
    await this.until(
      `connected() is called ${times === 1 ? 'once' : 'again'}`,
      () => count() >= times,
    );
  }

  async disconnected(): Promise<void> {
    await this.until('disconnected() is called', () => this.events.includes('disconnected'));
  }

  async received(count: number): Promise<void> {
    await this.until(`${count} messages arrive`, () => this.messages.length >= count);
  }

  async until(what: string, isMet: () => boolean | Promise<boolean>): Promise<void> {
    await until(what, isMet, this.endsAt);
  }

  has(message: Uint8Array): boolean {
    return this.messages.some((received) => isEqual(received, message));
  }
}

/** Publishes until the transport has a connection again and the listener has the message. */
export async function publishUntilReceived(
  transport: FleetTransport,
  message: Uint8Array,
  listener: Listener,
): Promise<void> {
  await listener.until('a message arrives again', async () => {
    await Promise.race([transport.publish(message).catch(() => undefined), quiet()]);
    return listener.has(message);
  });
}

/** Waits for a condition until a time of `performance.now()`. */
export async function until(
  what: string,
  isMet: () => boolean | Promise<boolean>,
  endsAt: number,
): Promise<void> {
  while (!(await isMet())) {
    assert.ok(performance.now() < endsAt, `not seen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Waits as long as a call that should not come would have taken. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, QUIET_MS));
}

/** Returns a message of bytes that no text has. Each number gives another message. */
export function messageOf(number: number, size = 64): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at < 4 ? number >> (8 * at) : 251 + at * 7));
}

export function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.from(one).equals(other);
}

export function hex(messages: readonly Uint8Array[]): string[] {
  return messages.map((message) => Buffer.from(message).toString('hex'));
}
