import { translateError } from '../../core/errors/error-table';
import { now } from '../../core/time/clock';

/** The time within which an own message comes back, in milliseconds. */
const RETURN_MS = 2_000;

interface OwnMessage {
  readonly sentAt: number;
  /** The number of messages of the others that were heard before it. */
  readonly received: number;
}

/** Warns of an instance that hears the others, and cannot publish: a login may permit one without the other. */
export class PublishWarnings {
  readonly #manager: string;
  readonly #warn: (message: string) => void;
  /** The first own message since one has come back. */
  #awaited: OwnMessage | undefined;
  #error: unknown;
  #hasWarned = false;

  constructor(manager: string, warn: (message: string) => void) {
    this.#manager = manager;
    this.#warn = warn;
  }

  /** @param received the number of messages of the others that were heard until now */
  sent(received: number): void {
    this.#awaited ??= { sentAt: now(), received };
  }

  failed(error: unknown): void {
    this.#error = error;
  }

  /** Takes note of an own message that came back. */
  cameBack(): void {
    this.#awaited = undefined;
    this.#error = undefined;
    this.#hasWarned = false;
  }

  /** Warns once if others were heard, and no own message. If nobody was heard, the cut is reported instead. */
  check(received: number): void {
    const awaited = this.#awaited;
    if (this.#hasWarned || awaited === undefined) return;
    if (now() - awaited.sentAt < RETURN_MS || received === awaited.received) return;
    this.#hasWarned = true;
    this.#warn(
      `${this.#manager} hears its fleet, but its own messages do not come back${this.code}. The others find its changes ` +
        'when their values expire. Check that its client is connected, and that its login may publish.',
    );
  }

  /** The code of the failure, if there was one. Its text may hold the address. */
  private get code(): string {
    if (this.#error === undefined) return '';
    const { code } = translateError(this.#error, { manager: this.#manager, operation: 'fleet' });
    return ` (${code})`;
  }
}
