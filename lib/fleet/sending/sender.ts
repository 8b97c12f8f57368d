import type { Announcement } from '../../policies/writes/announcements';
import { MAX_NAMES } from '../wire/message';
import { Outbox } from './outbox';
import { PublishWarnings } from './publish-warnings';
import { Publisher, type PublisherOptions } from './publisher';

export interface SenderOptions extends PublisherOptions {
  /** The name of the manager in warnings. */
  readonly manager: string;
  readonly warn: (message: string) => void;
  /** Called for each announcement, and for one that failed: a heartbeat has to follow. */
  readonly onAnnouncement: () => void;
}

/** The messages that this instance sends: announcements and heartbeats. Follows whether they come back. */
export class Sender {
  readonly #onAnnouncement: () => void;
  readonly #publisher: Publisher;
  readonly #outbox: Outbox;
  readonly #warnings: PublishWarnings;

  constructor({ manager, warn, onAnnouncement, ...options }: SenderOptions) {
    this.#onAnnouncement = onAnnouncement;
    this.#publisher = new Publisher(options);
    this.#warnings = new PublishWarnings(manager, warn);
    this.#outbox = new Outbox({
      maxNames: MAX_NAMES,
      send: (batch, failed) => {
        this.#warnings.sent();
        return this.#publisher.announce(batch, (error) => {
          failed();
          this.#warnings.failed(error);
          onAnnouncement(); // a heartbeat publishes what has failed, too
        });
      },
    });
  }

  /** The number of messages that were published. */
  get published(): number {
    return this.#publisher.published;
  }

  /** The number of announced names that have not come back yet. */
  get pending(): number {
    return this.#outbox.size;
  }

  /** `true` if a message failed, or did not come back in time, and none has come back since. */
  get isMute(): boolean {
    return this.#warnings.isMute;
  }

  /** Returns why not even an own message may have been heard, as the end of a sentence. */
  get reasonOfSilence(): string {
    return this.#warnings.reason;
  }

  announce(announcement: Announcement): void {
    this.#outbox.add(announcement);
    this.#onAnnouncement();
  }

  /** Publishes a heartbeat, and the announcements that failed before. */
  heartbeat(): void {
    this.#warnings.sent();
    this.#publisher.heartbeat((error) => this.#warnings.failed(error));
    this.#outbox.schedule();
  }

  /** Takes note of a new subscription. What was sent before it may have been lost with the connection. */
  subscribed(): void {
    this.#warnings.subscribed();
  }

  /** Takes note of an own message that came back from the broker. */
  cameBack(sequence: number): void {
    this.#warnings.cameBack();
    this.#outbox.confirm(sequence);
  }

  /** Takes note of a message of another instance. */
  heardAnother(): void {
    this.#warnings.heardAnother();
  }

  /** Publishes announcements from now on, beginning with those that have not come back. */
  open(): void {
    this.#outbox.open();
  }

  /** Keeps announcements until {@link open}. */
  close(): void {
    this.#outbox.close();
  }

  /** Publishes everything that is pending. Resolves when all of it was handed to the broker, or has failed. */
  async finish(): Promise<void> {
    this.#outbox.flush();
    this.#outbox.close();
    await this.#publisher.settled();
  }
}
