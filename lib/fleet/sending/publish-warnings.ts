import { translateError } from '../../core/errors/error-table';
import { now } from '../../core/time/clock';

/** The time within which an own message comes back, in milliseconds. */
const RETURN_MS = 2_000;

/**
 * Follows whether the messages of this instance come back. Warns of an instance that hears the others, and cannot
 * publish: a login may permit one without the other.
 */
export class PublishWarnings {
  readonly #manager: string;
  readonly #warn: (message: string) => void;
  /** The time of the first own message since one has come back. */
  #awaitedSince: number | undefined;
  #error: unknown;
  #hasWarned = false;

  constructor(manager: string, warn: (message: string) => void) {
    this.#manager = manager;
    this.#warn = warn;
  }

  /** `true` if a message failed, or did not come back in time, and none has come back since. */
  get isMute(): boolean {
    return this.#error !== undefined || this.isLate;
  }

  /** Returns why nothing may have been heard, not even an own message, as the end of a sentence. */
  get reason(): string {
    return this.#error === undefined
      ? ', not even an own message: the broker does not answer, or the login may not publish'
      : `, and its own messages could not be published${this.code}: check that its login may publish`;
  }

  /** Takes note of a new subscription. What was sent before it may have been lost with the connection. */
  subscribed(): void {
    this.#awaitedSince = undefined;
    this.#error = undefined;
  }

  sent(): void {
    this.#awaitedSince ??= now();
  }

  failed(error: unknown): void {
    this.#error = error;
  }

  /** Takes note of an own message that came back. */
  cameBack(): void {
    this.subscribed();
    this.#hasWarned = false;
  }

  /** Warns once when another instance is heard, and no own message. If nobody is heard, the cut is reported instead. */
  heardAnother(): void {
    if (this.#hasWarned || !this.isLate) return;
    this.#hasWarned = true;
    this.#warn(
      `${this.#manager} hears its fleet, but its own messages do not come back${this.code}. The others find its changes ` +
        'when their values expire. Check that its client is connected, and that its login may publish.',
    );
  }

  private get isLate(): boolean {
    return now() - (this.#awaitedSince ?? Infinity) >= RETURN_MS;
  }

  /** The code of the failure, if there was one. Its text may hold the address. */
  private get code(): string {
    if (this.#error === undefined) return '';
    const { code } = translateError(this.#error, { manager: this.#manager, operation: 'fleet' });
    return ` (${code})`;
  }
}
