import { inspect } from 'node:util';
import type { GetOptions } from './get-options';

/**
 * A live handle to a secret. It prints as `[secret NAME]` in every way of turning it into text, and copies to nothing.
 */
export interface Secret {
  readonly name: string;
  /**
   * The value of this moment, at once: fresh, or stale within the stated bound. Throws `NOT_FOUND` if there is none,
   * `MALFORMED` if it is empty and the handle was not made with `allowEmpty`, and what a synchronous read would throw.
   */
  reveal(): string;
  /** Resolves to the value. Rejects with `NOT_FOUND` if there is none, and with `MALFORMED` if it is empty and not allowed to be. */
  get(options?: GetOptions): Promise<string>;
}

/** How a handle gets at its value. */
export interface SecretSource {
  reveal(): string;
  get(options?: GetOptions): Promise<string>;
}

/** Keeps name and source where no spread, clone, serialiser or inspector reaches: in private fields. */
export class LiveSecret implements Secret {
  readonly #name: string;
  readonly #source: SecretSource;

  constructor(name: string, source: SecretSource) {
    this.#name = name;
    this.#source = source;
  }

  get name(): string {
    return this.#name;
  }

  get [Symbol.toStringTag](): string {
    return `secret ${this.#name}`;
  }

  reveal(): string {
    return this.#source.reveal();
  }

  get(options?: GetOptions): Promise<string> {
    return this.#source.get(options);
  }

  toString(): string {
    return `[secret ${this.#name}]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.toPrimitive](): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
