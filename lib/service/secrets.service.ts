import { cancelled, closed } from '../core/calls/cancellation';
import { announceCopy } from '../core/contract/copies';
import type {
  DeleteOptions,
  OperationOptions,
  SecretMetadata,
  WriteOptions,
} from '../core/contract/custom-secret-manager';
import type { GetOptions } from '../core/contract/get-options';
import { LiveSecret, type Secret } from '../core/contract/secret';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
} from '../core/errors/secret-manager.error';
import { kindOf, quoteName } from '../core/errors/wording';
import { readCallOptions, readList } from '../core/validation/call-arguments';
import { flag, listed } from '../core/validation/option-rules';
import { canonicalSecretName } from '../core/validation/secret-name';
import type { SecretInspection } from '../policies/cache/secret-cache';
import type { CircuitState } from '../policies/circuit-breaker/circuit-breaker.policy';
import type { SecretPipeline } from '../policies/compose';
import { asOutcome } from '../policies/policy';
import type { RequiredSecret, ResolvedOptions } from '../secret-manager.options';
import { assertMadeByModule } from './made-by-module';
import { SecretLookup, type Lookup } from './secret-lookup';
import { SecretWriter, type NextSecret } from './secret-writer';
import { readAtStart } from './startup';

/** The outcome for one name of `getMany`. */
export type SecretOutcome =
  { readonly value: string } | { readonly absent: true } | { readonly error: SecretManagerError };

export interface BooleanGetOptions extends Omit<GetOptions, 'default'> {
  readonly default?: boolean;
}

/**
 * Reads and writes the secrets of an application. The service validates a name first (`INVALID_ARGUMENT`). Then
 * it asks the manager if the settings host the name there, and the environment if the secret is absent. A
 * failure is thrown, and never taken for an absence. Every error is a {@link SecretManagerError}.
 */
export class SecretsService {
  readonly #pipeline: SecretPipeline;
  readonly #cache: SecretPipeline['cache'];
  readonly #options: ResolvedOptions;
  readonly #lookup: SecretLookup;
  readonly #writer: SecretWriter;
  readonly #warn: (message: string) => void;
  #isStarted = false;

  /** @internal Called by `SecretManagerModule`. */
  constructor(pipeline: SecretPipeline, options: ResolvedOptions, warn: (message: string) => void) {
    assertMadeByModule('SecretsService', pipeline);
    this.#pipeline = pipeline;
    this.#cache = pipeline.cache;
    this.#options = options;
    this.#warn = warn;
    this.#lookup = new SecretLookup(pipeline, options, warn);
    this.#writer = new SecretWriter(pipeline, options, this.#lookup);
  }

  /** The name of the manager in errors, logs and health. */
  get managerName(): string {
    return this.#pipeline.outermost.secretManagerName;
  }

  /**
   * The state of the circuit. While it is `open`, calls fail at once because the store is down. While it is
   * `half-open`, one call passes as a probe.
   */
  get circuitState(): CircuitState {
    return this.#pipeline.circuitState();
  }

  /**
   * The time for which reads still fail at once, in milliseconds; `undefined` if the store may be asked now.
   */
  get circuitRetryAfterMs(): number | undefined {
    return this.#pipeline.circuitRetryAfterMs();
  }

  /**
   * Resolves to the value. If the secret is absent from the manager and the environment, the method resolves to
   * `options.default`, or to `undefined`. Rejects with the failure if the manager fails and the fallback does
   * not cover it.
   */
  get(name: string, options: GetOptions & { readonly default: string }): Promise<string>;
  get(name: string, options?: GetOptions): Promise<string | undefined>;
  get(name: string, options?: GetOptions): Promise<string | undefined> {
    // A hit needs no check, because only valid and hosted names are cached.
    const hit = isCacheable(options) ? this.#cache.peek(name) : undefined;
    if (hit !== undefined) return Promise.resolve(hit);
    return this.find('get', name, options);
  }

  /**
   * Resolves to the value as {@link get} does. Rejects with `NOT_FOUND`, which names the sources, for a missing
   * secret. Rejects with `MALFORMED` for an empty value, unless `allowEmpty` is set.
   */
  async getOrThrow(name: string, options?: Omit<GetOptions, 'default'>): Promise<string> {
    const hit = isCacheable(options) ? this.#cache.peek(name) : undefined;
    if (hit !== undefined && hit !== '') return hit;
    return await this.findRequired(name, options);
  }

  /**
   * Returns the value as {@link get} does, but synchronously. The sources are the cache, then one synchronous
   * read of the manager, then the environment. Throws `UNSUPPORTED` if the manager has no synchronous read and
   * the name is not cached.
   */
  getSync(name: string, options: GetOptions & { readonly default: string }): string;
  getSync(name: string, options?: GetOptions): string | undefined;
  getSync(name: string, options?: GetOptions): string | undefined {
    const hit = isCacheable(options) ? this.#cache.peek(name) : undefined;
    if (hit !== undefined) return hit;
    return this.#lookup.findSync(this.#lookup.parse('getSync', name, options));
  }

  /**
   * Resolves to a boolean as {@link get} does: true/false, 1/0, yes/no or on/off in any case. Rejects with
   * `MALFORMED`, without the value, for any other text.
   */
  getBoolean(
    name: string,
    options: BooleanGetOptions & { readonly default: boolean },
  ): Promise<boolean>;
  getBoolean(name: string, options?: BooleanGetOptions): Promise<boolean | undefined>;
  async getBoolean(name: string, options?: BooleanGetOptions): Promise<boolean | undefined> {
    const { whenAbsent, ...lookup } = this.#lookup.lookupOf<boolean>(
      'getBoolean',
      name,
      (context) =>
        options === undefined ? {} : readCallOptions(options, context, { default: flag }),
    );
    const value = await this.#lookup.find({ ...lookup, whenAbsent: undefined });
    if (value === undefined) return whenAbsent;
    const parsed = BOOLEANS.get(value.trim().toLowerCase());
    if (parsed === undefined) throw this.notBoolean(name);
    return parsed;
  }

  /**
   * Resolves to one outcome per name, under the name as given. A name that is wrong, denied or failed gets an
   * error of its own. The others keep their outcomes.
   */
  async getMany(
    names: readonly string[],
    given: Omit<GetOptions, 'default'> = {},
  ): Promise<ReadonlyMap<string, SecretOutcome>> {
    const { managerName: manager } = this;
    const context = { manager, operation: 'getMany' };
    const list = readList(names);
    if (list === undefined) throw notAList(names, context);
    const options = readCallOptions<GetOptions>(given, context);
    const parsed = new Map(list.map((name) => [name, this.parseOrError(name, options)]));
    const lookups = [...parsed.values()].filter(isLookup);
    const values = await this.#lookup.readMany(lookups, options);
    if (options.signal?.aborted) throw cancelled(context);
    return new Map(
      [...parsed].map(([given, lookup]) => [
        given,
        toOutcome(isSecretManagerError(lookup) ? lookup : values.get(lookup.name)),
      ]),
    );
  }

  /**
   * Returns a live handle, which always reveals the present value. The handle refuses an empty value with
   * `MALFORMED`, unless `allowEmpty` is set. Throws `INVALID_ARGUMENT` for a wrong name.
   */
  secret(name: string, options: Pick<GetOptions, 'allowEmpty'> = {}): Secret {
    const { name: canonical, allowEmpty } = this.#lookup.parse('secret', name, options);
    return new LiveSecret(canonical, {
      reveal: () => this.reveal(name, allowEmpty),
      get: (call) =>
        allowEmpty ? this.findRequired(name, call, true) : this.getOrThrow(name, call),
    });
  }

  /**
   * Creates or updates a secret. `accessMode` must be `write_only` or `read_and_write` (`NOT_PERMITTED`).
   * `description` and `tags` of the settings apply if the call gives none.
   */
  set(name: string, value: string, options: WriteOptions = {}): Promise<SecretMetadata> {
    return this.#writer.set(name, value, options);
  }

  /**
   * Deletes a secret, with the same permission as {@link set}. The store keeps the secret restorable for
   * `recoveryWindowInDays` (default 7).
   */
  delete(name: string, options: DeleteOptions = {}): Promise<SecretMetadata> {
    return this.#writer.delete(name, options);
  }

  /**
   * Gives a secret a new value, in place or under a new name. Under a new name the secret keeps its description
   * and tags. The old secret is deleted after the new value has been read back. Rotations of one name run one
   * after the other.
   *
   * Rejects with `NOT_FOUND` if `current` is missing. Rejects with `ROTATION_INCOMPLETE` if a step fails;
   * `done` lists the completed steps.
   */
  rotate(current: string, next: NextSecret, options: WriteOptions = {}): Promise<SecretMetadata> {
    return this.#writer.rotate(current, next, options);
  }

  /**
   * Reads one secret, or all cached ones, again. Rejects with the failure. A transient failure keeps the cached
   * values.
   */
  async refresh(name?: string): Promise<void> {
    const lookup = name === undefined ? undefined : this.#lookup.parse('refresh', name);
    if (this.#pipeline.isClosed()) {
      throw closed({ manager: this.managerName, operation: 'refresh', secretName: lookup?.name });
    }
    if (lookup === undefined) return await this.#cache.refresh();
    if (lookup.isHosted) await this.#cache.refresh(lookup.name);
  }

  /** Drops one secret or all from the cache, including virtual keys. */
  invalidate(name?: string): void {
    const parsed = name === undefined ? undefined : this.#lookup.parse('invalidate', name).name;
    this.#pipeline.forget(parsed);
  }

  /** Returns the names, states and ages of the cached secrets, never their values. */
  inspect(): readonly SecretInspection[] {
    return this.#cache.inspect();
  }

  /**
   * Resolves to `true` if the store can serve. The manager itself is asked, past cache, retry and circuit
   * breaker.
   */
  async checkHealth(given: OperationOptions = {}): Promise<boolean> {
    const context = { manager: this.managerName, operation: 'checkHealth' };
    const options = readCallOptions(given, context);
    if (this.#pipeline.isClosed()) throw closed(context);
    return await this.#pipeline.outermost.checkHealth(options);
  }

  /** @internal Loads secrets as `load` does, for handles, which must be able to reveal them at once. */
  async loadHandles(
    required: readonly RequiredSecret[],
    problems: readonly string[],
    operation: string,
  ): Promise<void> {
    const assertUsable = (name: string): void => this.assertRevealable(name, operation);
    await this.load(required, operation, assertUsable, problems);
  }

  /**
   * @internal Reads the required secrets before their users are constructed, and keeps them fresh from then on.
   */
  async load(
    required: readonly RequiredSecret[],
    operation: string,
    assertUsable: (name: string) => void = () => undefined,
    problems: readonly string[] = [],
  ): Promise<void> {
    const context = { manager: this.managerName, operation };
    try {
      if (problems.length > 0) throw wrongNames(problems, context);
      for (const given of required) {
        const { name, isHosted } = this.#lookup.parse(operation, given.name);
        if (!isHosted) continue;
        assertUsable(name);
        this.#cache.pin(name);
      }
      await readAtStart(this.#lookup, required, this.#options.timeoutMs, context, this.#warn);
    } catch (error) {
      if (!this.#isStarted) await this.close(); // an application that does not start runs no hook
      throw error;
    }
  }

  /** @internal */
  markStarted(): void {
    this.#isStarted = true;
  }

  /** @internal Cancels the calls in flight, clears the cache, and closes the manager. Does not reject. */
  async close(): Promise<void> {
    try {
      await this.#pipeline.close();
    } catch (error) {
      const code = isSecretManagerError(error) ? error.code : 'UNKNOWN';
      this.#warn(`${this.managerName} did not close in order (${code}).`);
    }
  }

  private reveal(name: string, allowEmpty: boolean): string {
    const hit = this.#cache.peek(name);
    if (hit !== undefined && hit !== '') return hit;
    const lookup = this.#lookup.parse('reveal', name, { allowEmpty });
    return this.#lookup.required(this.#lookup.findSync(lookup), lookup);
  }

  private async findRequired(
    name: string,
    options: GetOptions | undefined,
    byDefault = false,
  ): Promise<string> {
    const lookup = this.#lookup.lookupOf<string>('getOrThrow', name, (context) => {
      const given = options === undefined ? {} : readCallOptions(options, context, NO_DEFAULT);
      return { allowEmpty: byDefault, ...given, default: undefined };
    });
    return this.#lookup.required(await this.#lookup.find(lookup), lookup);
  }

  /**
   * Returns the promise of the look-up. Not an `async` method, because the stack of a failure shows one frame a
   * layer.
   */
  private find(operation: string, name: string, options?: GetOptions): Promise<string | undefined> {
    try {
      return this.#lookup.find(this.#lookup.parse(operation, name, options));
    } catch (error) {
      return Promise.reject(asOutcome(error)); // the check throws nothing else
    }
  }

  private assertRevealable(secretName: string, operation: string): void {
    const { managerName: manager } = this;
    if (this.#options.cache !== false || this.#pipeline.isSupported('readSecretSync')) return;
    throw new SecretManagerError(
      'MISCONFIGURED',
      `The handle of ${quoteName(secretName)} could reveal nothing: there is no cache to answer from, and ${manager} does not ` +
        'implement readSecretSync(). Leave `cache` on, override readSecretSync(), or inject SecretsService instead.',
      { manager, operation, secretName },
    );
  }

  private notBoolean(name: string): SecretManagerError {
    return new SecretManagerError(
      'MALFORMED',
      `The value of ${quoteName(name)} is none of ${[...BOOLEANS.keys()].join(', ')}.`,
      { manager: this.managerName, operation: 'getBoolean', secretName: canonicalSecretName(name) },
    );
  }

  private parseOrError(name: string, options: GetOptions): Lookup | SecretManagerError {
    try {
      return this.#lookup.lookupOf('getMany', name, () => options);
    } catch (error) {
      return error as SecretManagerError; // the check throws nothing else
    }
  }
}

announceCopy('SecretsService', SecretsService);

function notAList(names: unknown, context: OperationContext): SecretManagerError {
  const message = `getMany() takes a list of names, not ${kindOf(names)}.`;
  return new SecretManagerError('INVALID_ARGUMENT', message, context);
}

/** Ignores the default of a required secret. */
const NO_DEFAULT = { default: () => undefined };

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((text) => [text, true] as const),
  ...['false', '0', 'no', 'off'].map((text) => [text, false] as const),
]);

function isLookup(parsed: Lookup | SecretManagerError): parsed is Lookup {
  return !isSecretManagerError(parsed);
}

function wrongNames(problems: readonly string[], context: OperationContext): SecretManagerError {
  const message = `The names of ${context.operation}() are not right:\n${listed(problems)}`;
  return new SecretManagerError('INVALID_ARGUMENT', message, context);
}

/**
 * Returns whether a cached value answers a call with these options. No getter is called, because a throwing one
 * is reported elsewhere.
 */
function isCacheable(options: object | undefined): boolean {
  if (options === undefined) return true;
  if (typeof options !== 'object' || options === null) return false;
  try {
    for (const option in options) {
      // these options do not concern a cached value
      if (option !== 'default' && option !== 'fallback' && option !== 'allowEmpty') return false;
    }
    return true;
  } catch {
    return false; // a proxy
  }
}

function toOutcome(value: string | SecretManagerError | undefined): SecretOutcome {
  if (isSecretManagerError(value)) return { error: value };
  return value === undefined ? { absent: true } : { value };
}
