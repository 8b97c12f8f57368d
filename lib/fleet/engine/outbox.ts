import { startTimer } from '../../core/time/clock';
import type { Announcement } from '../../policies/writes/announcements';
import { PendingNames, type Batch } from './pending-names';

/** The most messages in one turn of the event loop. Digests take time. */
const MESSAGES_PER_TURN = 4;
/** The most names that wait for their message to come back. */
const MAX_UNCONFIRMED = 10_000;

export interface OutboxOptions {
  /** The largest number of names in one message. */
  readonly maxNames: number;
  /** Publishes a batch, and returns its sequence number. `failed` is called if the batch was not delivered. */
  readonly send: (batch: Batch, failed: () => void) => number;
}

/**
 * The announcements of this instance. What failed, or did not come back from the broker, is published again at the
 * reconnect.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #pending = new PendingNames();
  /** The published batches by sequence number, until they come back. */
  readonly #unconfirmed = new Map<number, Batch>();
  #isOpen = false;
  #isScheduled = false;
  #stopTimer = (): void => undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** The number of announced names that have not come back yet. */
  get size(): number {
    return this.#pending.size + this.unconfirmedSize;
  }

  add(announcement: Announcement): void {
    this.#pending.add(announcement);
    this.schedule();
  }

  /** Publishes from now on, beginning with everything that has not come back. */
  open(): void {
    this.#isOpen = true;
    for (const batch of this.#unconfirmed.values()) this.#pending.restore(batch);
    this.#unconfirmed.clear();
    this.schedule();
  }

  /** Keeps announcements until {@link open}. */
  close(): void {
    this.#isOpen = false;
    this.#stopTimer();
    this.#isScheduled = false;
  }

  /** Publishes what is pending, and what failed before. */
  schedule(): void {
    if (!this.#isOpen || this.#isScheduled || this.#pending.size === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.publishSome());
  }

  /** Publishes everything that is pending now. */
  flush(): void {
    this.publish(Infinity);
  }

  /** Takes note that a message came back from the broker. */
  confirm(sequence: number): void {
    this.#unconfirmed.delete(sequence);
  }

  private publishSome(): void {
    if (!this.#isScheduled) return;
    this.publish(MESSAGES_PER_TURN);
    this.#isScheduled = this.#isOpen && this.#pending.size > 0;
    if (!this.#isScheduled) return;
    this.#stopTimer = startTimer(() => this.publishSome(), 0, { keepsAlive: false });
  }

  private publish(messages: number): void {
    for (let sent = 0; this.#isOpen && sent < messages; sent++) {
      const batch = this.#pending.take(this.#options.maxNames);
      if (batch === undefined) return;
      const sequence = this.#options.send(batch, () => this.fail(sequence));
      this.#unconfirmed.set(sequence, batch);
      this.boundUnconfirmed();
    }
  }

  private fail(sequence: number): void {
    const batch = this.#unconfirmed.get(sequence);
    if (batch === undefined) return;
    this.#unconfirmed.delete(sequence);
    this.#pending.restore(batch);
  }

  private get unconfirmedSize(): number {
    let size = 0;
    for (const { names } of this.#unconfirmed.values()) size += names === 'all' ? 1 : names.size;
    return size;
  }

  /** Replaces too many names by all names. */
  private boundUnconfirmed(): void {
    if (this.#unconfirmed.size * this.#options.maxNames < MAX_UNCONFIRMED) return;
    if (this.#unconfirmed.size < MAX_UNCONFIRMED && this.unconfirmedSize < MAX_UNCONFIRMED) return;
    const [last = 0] = [...this.#unconfirmed.keys()].slice(-1);
    this.#unconfirmed.clear();
    this.#unconfirmed.set(last, { kind: 'changed', names: 'all' });
  }
}
