import { BackgroundTimer } from '../../core/time/background-timer';
import type { Announcement } from '../../policies/writes/announcements';
import { PendingNames, type Batch } from './pending-names';
import { UnconfirmedBatches } from './unconfirmed-batches';

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
  readonly #unconfirmed = new UnconfirmedBatches();
  #isOpen = false;
  #isScheduled = false;
  readonly #timer = new BackgroundTimer();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** The number of announced names that have not come back yet. */
  get size(): number {
    return this.#pending.size + this.#unconfirmed.names;
  }

  add(announcement: Announcement): void {
    this.#pending.add(announcement);
    this.schedule();
  }

  /** Publishes from now on, beginning with everything that has not come back. */
  open(): void {
    this.#isOpen = true;
    for (const batch of this.#unconfirmed.takeAll()) this.#pending.restore(batch);
    this.schedule();
  }

  /** Keeps announcements until {@link open}. */
  close(): void {
    this.#isOpen = false;
    this.#timer.stop();
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
    this.#unconfirmed.take(sequence);
  }

  private publishSome(): void {
    if (!this.#isScheduled) return;
    this.publish(MESSAGES_PER_TURN);
    this.#isScheduled = this.#isOpen && this.#pending.size > 0;
    if (this.#isScheduled) this.#timer.set(() => this.publishSome(), 0);
  }

  private publish(messages: number): void {
    for (let sent = 0; this.#isOpen && sent < messages; sent++) {
      const batch = this.#pending.take(this.#options.maxNames);
      if (batch === undefined) return;
      const sequence = this.#options.send(batch, () => this.fail(sequence));
      this.#unconfirmed.add(sequence, batch);
      this.boundUnconfirmed(sequence);
    }
  }

  private fail(sequence: number): void {
    const batch = this.#unconfirmed.take(sequence);
    if (batch !== undefined) this.#pending.restore(batch);
  }

  /** Replaces too many names by all names, which stand for the last message. */
  private boundUnconfirmed(last: number): void {
    const { size, names } = this.#unconfirmed;
    if (size < MAX_UNCONFIRMED && names < MAX_UNCONFIRMED) return;
    this.#unconfirmed.takeAll();
    this.#unconfirmed.add(last, { kind: 'changed', names: 'all' });
  }
}
