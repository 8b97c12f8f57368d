import { now, startTimer } from '../../core/time/clock';
import type { FleetTransport } from '../fleet-transport';
import type { NameIndex } from '../name-index';
import type { FleetKey } from '../wire/fleet-key';
import type { Keyring } from '../wire/keyring';
import { encodeMessage, type FleetMessage, type MessageEntry } from '../wire/message';
import type { Batch } from './pending-names';

const PUBLISH_TIMEOUT_MS = 2_000;

export interface PublisherOptions {
  readonly transport: FleetTransport;
  readonly fleet: Buffer;
  readonly origin: string;
  readonly keyring: Keyring;
  readonly names: NameIndex;
}

/** Numbers, signs and publishes the messages of this instance. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #running = new Set<Promise<void>>();
  #sequence = 0;
  #announcedAt = -Infinity;
  #published = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  get published(): number {
    return this.#published;
  }

  /** Publishes a batch, and returns its sequence number. */
  announce(batch: Batch, failed: (error: unknown) => void): number {
    const quietMs = now() - this.#announcedAt;
    this.#sequence += 1;
    this.#announcedAt = now();
    this.publish(batch.kind, quietMs, (key) => this.entriesOf(batch, key), failed);
    return this.#sequence;
  }

  heartbeat(failed: (error: unknown) => void): void {
    this.publish('heartbeat', now() - this.#announcedAt, () => [], failed);
  }

  /** Resolves when all messages were handed to the broker, or have failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#running);
  }

  private publish(
    kind: FleetMessage['kind'],
    quietMs: number,
    entriesOf: (key: FleetKey) => FleetMessage['entries'],
    failed: (error: unknown) => void,
  ): void {
    const { fleet, origin, keyring, transport } = this.#options;
    const header = { kind, fleet, origin, quietMs, sequence: this.#sequence, time: Date.now() };
    this.#published += 1;
    for (const key of keyring.keys) {
      const bytes = encodeMessage({ ...header, entries: entriesOf(key) }, key);
      const sent = within(PUBLISH_TIMEOUT_MS, () => transport.publish(bytes)).catch(failed);
      const settled: Promise<void> = sent.then(() => {
        this.#running.delete(settled);
      });
      this.#running.add(settled);
    }
  }

  private entriesOf({ names: given }: Batch, key: FleetKey): FleetMessage['entries'] {
    if (given === 'all') return 'all';
    return Array.from(given, ([secretName, version]): MessageEntry => ({
      name: this.#options.names.digestOf(secretName, key),
      version: version === undefined ? undefined : key.digestOfVersion(secretName, version),
    }));
  }
}

/**
 * Starts the work in a microtask, because a transport may deliver the message before `publish` returns. Rejects if the
 * work has not settled within the time. The work goes on.
 */
function within(limitMs: number, work: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new DOMException('too late', 'TimeoutError'));
    const stop = startTimer(late, limitMs, { keepsAlive: false });
    Promise.resolve().then(work).then(resolve, reject).finally(stop);
  });
}
