import { inspect } from 'node:util';
import { recogniseByBrand } from '../errors/brand';
import { SecretManagerError } from '../errors/secret-manager.error';
import type { GetOptions } from './get-options';

const BRAND = Symbol.for('nestjs-custom-secret-manager/secret');

/**
 * A live handle to a secret. It prints as `[secret NAME]` in every way of turning it into text, and copies to nothing.
 *
 * A class, so that the constructor of a provider can name it as the type of a decorated parameter. Inject a handle with
 * `@InjectSecret(name)`.
 */
export abstract class Secret {
  abstract readonly name: string;

  /** @internal Throws `MISCONFIGURED` where Nest constructs it as a provider. */
  constructor() {
    if (new.target === Secret) throw listedAsProvider();
  }

  /**
   * Returns the value of this moment: fresh, or stale within the stated bound. Throws `NOT_FOUND` if there is none,
   * `MALFORMED` if it is empty and the handle was not made with `allowEmpty`, and what a synchronous read would throw.
   */
  abstract reveal(): string;

  /** Resolves to the value. Rejects with `NOT_FOUND` if there is none, and with `MALFORMED` if it is empty and not allowed to be. */
  abstract get(options?: GetOptions): Promise<string>;
}

recogniseByBrand(Secret, BRAND);

/** How a handle gets at its value. */
export interface SecretSource {
  reveal(): string;
  get(options?: GetOptions): Promise<string>;
}

/** Keeps name and source where no spread, clone, serialiser or inspector reaches: in private fields. */
export class LiveSecret extends Secret {
  readonly #name: string;
  readonly #source: SecretSource;

  constructor(name: string, source: SecretSource) {
    super();
    this.#name = name;
    this.#source = source;
  }

  override get name(): string {
    return this.#name;
  }

  get [Symbol.toStringTag](): string {
    return `secret ${this.#name}`;
  }

  override reveal(): string {
    return this.#source.reveal();
  }

  override get(options?: GetOptions): Promise<string> {
    return this.#source.get(options);
  }

  override toString(): string {
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

function listedAsProvider(): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    'Secret is no provider. Import SecretManagerModule.forFeature([name]), and inject the handle with @InjectSecret(name).',
    { manager: 'unknown', operation: 'forFeature' },
  );
}
