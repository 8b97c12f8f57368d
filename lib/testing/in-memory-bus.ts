import { assertCut, assertNumber, type CutOptions } from './fault-checks';

/** The part of a transport that its bus uses. */
export interface BusMember {
  cut(options?: CutOptions): void;
  restore(): void;
  receive(message: Uint8Array, delayMs: number): void;
}

/**
 * The broker of `InMemoryTransport`, for several applications in one process. Its faults hit all transports; those of a
 * transport hit one.
 */
export class InMemoryBus {
  readonly #members = new Set<BusMember>();
  #cut: CutOptions | undefined;
  #toDrop = 0;
  #delayMs = 0;

  /** Cuts every transport off, also those that join later, until `restore()`. */
  cut(options: CutOptions = {}): void {
    assertCut(options);
    this.#cut = options;
    for (const member of this.#members) member.cut(options);
  }

  /** Connects every transport again. */
  restore(): void {
    this.#cut = undefined;
    for (const member of this.#members) member.restore();
  }

  /** Loses the next messages for everybody. Default 1. */
  drop(count = 1): void {
    assertNumber('drop()', count);
    this.#toDrop = count;
  }

  /** Delays each message from now on, in milliseconds. 0 ends it. */
  delay(delayMs: number): void {
    assertNumber('delay()', delayMs);
    this.#delayMs = delayMs;
  }

  /** @internal Called by `InMemoryTransport`. */
  join(member: BusMember): void {
    this.#members.add(member);
    if (this.#cut !== undefined) member.cut(this.#cut);
  }

  /** @internal Called by `InMemoryTransport`. */
  carry(message: Uint8Array): void {
    if (this.#toDrop > 0) {
      this.#toDrop -= 1;
      return;
    }
    for (const member of this.#members) member.receive(message, this.#delayMs);
  }
}
