import { inspect } from 'node:util';
import { recogniseByBrand } from '../errors/brand';
import { SecretManagerError } from '../errors/secret-manager.error';
import type { GetOptions } from './get-options';
import type { SecretChangeListener, UseOptions } from './secret-change';

const BRAND = Symbol.for('nestjs-custom-secret-manager/secret');

/**
 * A live handle to a secret. Every conversion to text gives `[secret NAME]`, and a copy holds nothing.
 *
 * `Secret` is a class, so that the constructor of a provider can name it as a parameter type. Inject a handle
 * with `@InjectSecret(name)`. A field of a class with `@SecretValue` is a handle whose value is parsed and
 * validated.
 */
export abstract class Secret<Value = string> {
  abstract readonly name: string;

  /** The version of the value that `reveal()` would return now; `undefined` if the store reports no versions. */
  abstract readonly version: string | undefined;

  /** The end of the lease of that value; `undefined` without a lease. */
  abstract readonly expiresAt: Date | undefined;

  /** @internal Throws `MISCONFIGURED` if Nest constructs it as a provider. */
  constructor() {
    if (new.target === Secret) throw listedAsProvider();
  }

  /**
   * Returns the present value: fresh, or stale within the stated bound. Throws `NOT_FOUND` for a missing value,
   * and `MALFORMED` for an empty one without `allowEmpty`. Otherwise throws the errors of a synchronous read.
   *
   * The handle of this library is bound: `const { reveal } = secret` works.
   */
  abstract reveal(this: void): Value;

  /**
   * Resolves to the value. Rejects with `NOT_FOUND` for a missing value, and with `MALFORMED` for an empty one
   * that is not allowed.
   */
  abstract get(options?: GetOptions): Promise<Value>;

  /**
   * Calls the listener once for each change of the value, after the cache serves the new value. Returns a
   * function that unsubscribes.
   *
   * An equal value, a denial and an absence are no change. The secret stays fresh without traffic while somebody
   * listens, so that a change is found within the larger of `ttlMs` and 1 s, plus one read. A listener that
   * throws or rejects is logged.
   *
   * Throws `INVALID_ARGUMENT` if the listener is no function, and `MISCONFIGURED` with `cache: false`.
   */
  abstract onChange(listener: SecretChangeListener): () => void;

  /**
   * Runs the work with the present value, and resolves to its result. If the work fails because the value was
   * rejected, it runs once more with a newer value, if there is one.
   *
   * The secret is read again for that, at most three times a minute; callers that were rejected at the same time
   * share one read. Without a newer value the first error is thrown, unchanged.
   */
  abstract use<Result>(
    work: (value: Value) => Result | Promise<Result>,
    options?: UseOptions,
  ): Promise<Result>;
}

recogniseByBrand(Secret, BRAND);

/** The functions by which a handle reads its value. */
export interface SecretSource<Value> {
  reveal(): Value;
  get(options?: GetOptions): Promise<Value>;
  /** Returns version and lease of the value that `reveal` would return without asking the store. */
  served(): ServedSecret | undefined;
  onChange(listener: SecretChangeListener): () => void;
  use<Result>(
    work: (value: Value) => Result | Promise<Result>,
    options?: UseOptions,
  ): Promise<Result>;
}

/** The facts of a served value, never the value. */
export interface ServedSecret {
  readonly version: string | undefined;
  readonly expiresAt: Date | undefined;
}

/** Permits a test to replace the function by a spy. */
const REPLACEABLE = { configurable: true, writable: true };

/** Keeps name and source in private fields, which no spread, clone, serialiser or inspector reaches. */
export class LiveSecret<Value = string> extends Secret<Value> {
  readonly #name: string;
  readonly #source: SecretSource<Value>;
  declare readonly reveal: (this: void) => Value;

  constructor(name: string, source: SecretSource<Value>) {
    super();
    this.#name = name;
    this.#source = source;
    // not enumerable, so that no spread copies it
    Object.defineProperty(this, 'reveal', { value: () => source.reveal(), ...REPLACEABLE });
  }

  override get name(): string {
    return this.#name;
  }

  get [Symbol.toStringTag](): string {
    return `secret ${this.#name}`;
  }

  override get version(): string | undefined {
    return this.#source.served()?.version;
  }

  override get expiresAt(): Date | undefined {
    return this.#source.served()?.expiresAt;
  }

  override get(options?: GetOptions): Promise<Value> {
    return this.#source.get(options);
  }

  override onChange(listener: SecretChangeListener): () => void {
    return this.#source.onChange(listener);
  }

  override use<Result>(
    work: (value: Value) => Result | Promise<Result>,
    options?: UseOptions,
  ): Promise<Result> {
    return this.#source.use(work, options);
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
