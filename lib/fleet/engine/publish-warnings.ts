import { translateError } from '../../core/errors/error-table';

/** Warns of an instance that hears the others, and cannot publish: a login may permit one without the other. */
export class PublishWarnings {
  readonly #manager: string;
  readonly #warn: (message: string) => void;
  #failure: { readonly error: unknown; readonly received: number } | undefined;
  #hasWarned = false;

  constructor(manager: string, warn: (message: string) => void) {
    this.#manager = manager;
    this.#warn = warn;
  }

  /** @param received the number of messages of the others that were heard until now */
  failed(error: unknown, received: number): void {
    this.#failure ??= { error, received };
  }

  /** Takes note of an own message that came back. */
  cameBack(): void {
    this.#failure = undefined;
    this.#hasWarned = false;
  }

  /** Warns once if others were heard since a failure. If not, the cut is reported instead. */
  check(received: number): void {
    if (this.#hasWarned || this.#failure === undefined) return;
    if (received === this.#failure.received) return;
    this.#hasWarned = true;
    const context = { manager: this.#manager, operation: 'fleet' };
    const { code } = translateError(this.#failure.error, context); // its text may hold the address
    this.#warn(
      `${this.#manager} hears its fleet, but its own messages are not published (${code}). The others find its changes ` +
        'when their values expire. Check that its client is connected, and that its login may publish.',
    );
  }
}
