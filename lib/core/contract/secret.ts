import { inspect } from 'node:util';
import { recogniseByBrand } from '../errors/brand';
import { SecretManagerError } from '../errors/secret-manager.error';
import type { GetOptions } from './get-options';

const BRAND = Symbol.for('nestjs-custom-secret-manager/secret');

/**
 * A live handle to a secret. Every conversion to text gives `[secret NAME]`, and a copy holds nothing.
 *
 * `Secret` is a class, so that the constructor of a provider can name it as a parameter type. Inject a handle
 * with `@InjectSecret(name)`.
 */
export abstract class Secret {
  abstract readonly name: string;

  /** @internal Throws `MISCONFIGURED` if Nest constructs it as a provider. */
  constructor() {
    if (new.target === Secret) throw listedAsProvider();
  }

  /**
   * Returns the present value: fresh, or stale within the stated bound. Throws `NOT_FOUND` for a missing value,
   * and `MALFORMED` for an empty one without `allowEmpty`. Otherwise throws the errors of a synchronous read.
   */
  abstract reveal(): string;

  /**
   * Resolves to the value. Rejects with `NOT_FOUND` for a missing value, and with `MALFORMED` for an empty one
   * that is not allowed.
   */
  abstract get(options?: GetOptions): Promise<string>;
}

recogniseByBrand(Secret, BRAND);

/** The functions by which a handle reads its value. */
export interface SecretSource {
  reveal(): string;
  get(options?: GetOptions): Promise<string>;
}

/** Keeps name and source in private fields, which no spread, clone, serialiser or inspector reaches. */
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
