import { closed } from '../core/calls/cancellation';
import { NO_FLEET, type FleetStatus } from '../core/contract/fleet-status';
import { announceCopy } from '../core/contract/package-copies';
import type {
  DeleteOptions,
  OperationOptions,
  SecretMetadata,
  WriteOptions,
} from '../core/contract/custom-secret-manager';
import type { BooleanGetOptions, GetOptions } from '../core/contract/get-options';
import type { Secret } from '../core/contract/secret';
import type { OperationContext } from '../core/errors/secret-manager.error';
import { readCallOptions } from '../core/validation/call-arguments';
import { flag } from '../core/validation/option-rules';
import type { SecretInspection } from '../policies/cache/secret-cache';
import type { CircuitState } from '../policies/circuit-breaker/circuit-breaker.policy';
import type { SecretPipeline } from '../policies/compose';
import { asOutcome } from '../policies/policy';
import type { ResolvedOptions } from '../secret-manager.options';
import { parseBoolean } from './reading/booleans';
import { isCacheable } from './reading/cacheable-options';
import { ChangeReports, type InvalidateOptions } from './changes/change-reports';
import { assertMadeByModule } from './made-by-module';
import { findMany, type SecretOutcome } from './reading/many-secrets';
import { RequiredReads } from './reading/required-reads';
import { SecretHandles } from './secret-handles';
import { SecretLookup } from './reading/secret-lookup';
import { SecretWriter, type NextSecret } from './writing/secret-writer';

/** Counts the versions that the fields of classes with `@SecretValue` have refused. */
interface RejectedVersions {
  /** @param secretName the name; without it, all names count */
  rejected(secretName?: string): number;
}

/** The parts that a registration shares with its other services. */
interface SharedParts {
  readonly lookup?: SecretLookup;
  readonly handles?: SecretHandles;
  readonly typed?: RejectedVersions;
  /** Returns the state in the fleet. Default: there is none. */
  readonly fleetStatus?: () => FleetStatus;
}

/**
 * Reads and writes the secrets of an application. The service validates a name first (`INVALID_ARGUMENT`). Then
 * it asks the manager if the settings host the name there, and the environment if the secret is absent. A
 * failure is thrown, and never taken for an absence. Every error is a {@link SecretManagerError}.
 */
export class SecretsService {
  readonly #pipeline: SecretPipeline;
  readonly #cache: SecretPipeline['cache'];
  readonly #lookup: SecretLookup;
  readonly #writer: SecretWriter;
  readonly #reads: RequiredReads;
  readonly #handles: SecretHandles;
  readonly #reports: ChangeReports;
  readonly #typed: RejectedVersions | undefined;
  readonly #fleetStatus: () => FleetStatus;

  /** @internal Called by `SecretManagerModule`. */
  constructor(
    pipeline: SecretPipeline,
    options: ResolvedOptions,
    warn: (message: string) => void,
    { lookup, handles, typed, fleetStatus = () => NO_FLEET }: SharedParts = {},
  ) {
    assertMadeByModule('SecretsService', pipeline);
    this.#pipeline = pipeline;
    this.#cache = pipeline.cache;
    this.#lookup = lookup ?? new SecretLookup(pipeline, options, warn);
    this.#writer = new SecretWriter(pipeline, options, this.#lookup);
    this.#reads = new RequiredReads(pipeline.cache, this.#lookup);
    this.#handles = handles ?? new SecretHandles(pipeline, this.#lookup, warn);
    this.#reports = new ChangeReports(pipeline, this.#lookup);
    this.#typed = typed;
    this.#fleetStatus = fleetStatus;
  }

  /** The name of the manager in errors, logs and health. */
  get managerName(): string {
    return this.#pipeline.outermost.secretManagerName;
  }

  /** The state of the circuit. `open` fails calls at once, because the store is down. `half-open` passes one probe. */
  get circuitState(): CircuitState {
    return this.#pipeline.circuitState();
  }

  /** The time for which reads still fail at once, in milliseconds; `undefined` if the store may be asked now. */
  get circuitRetryAfterMs(): number | undefined {
    return this.#pipeline.circuitRetryAfterMs();
  }

  /**
   * Resolves to the value; to `options.default` or `undefined` if manager and environment do not have the secret.
   * Rejects with the failure if the manager fails and the fallback does not cover it.
   */
  get(name: string, options: GetOptions & { readonly default: string }): Promise<string>;
  get(name: string, options?: GetOptions): Promise<string | undefined>;
  get(name: string, options?: GetOptions): Promise<string | undefined> {
    // A hit needs no check, because only valid and hosted names are cached.
    const hit = isCacheable(options) ? this.#cache.peek(name) : undefined;
    if (hit !== undefined) return Promise.resolve(hit);
    try {
      return this.#lookup.find(this.#lookup.parse('get', name, options));
    } catch (error) {
      return Promise.reject(asOutcome(error)); // not async: the stack of a failure shows one frame a layer
    }
  }

  /**
   * Resolves to the value as {@link get} does. Rejects with `NOT_FOUND`, which names the sources, for a missing
   * secret. Rejects with `MALFORMED` for an empty value, unless `allowEmpty` is set.
   */
  getOrThrow(name: string, options?: Omit<GetOptions, 'default'>): Promise<string> {
    return this.#reads.get(name, options);
  }

  /**
   * Returns the value as {@link get} does: from the cache, one synchronous read of the manager, or the environment.
   * Throws `UNSUPPORTED` if the manager has no synchronous read and the name is not cached.
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
    return value === undefined ? whenAbsent : parseBoolean(value, lookup.context);
  }

  /**
   * Resolves to one outcome per name, under the name as given. A name that is wrong, denied or failed gets an
   * error of its own. The others keep their outcomes.
   */
  async getMany(
    names: readonly string[],
    given: Omit<GetOptions, 'default'> = {},
  ): Promise<ReadonlyMap<string, SecretOutcome>> {
    return await findMany(this.#lookup, names, given, this.context('getMany'));
  }

  /**
   * Returns a live handle, which always reveals the present value. The handle refuses an empty value with
   * `MALFORMED`, unless `allowEmpty` is set. Throws `INVALID_ARGUMENT` for a wrong name.
   */
  secret(name: string, options: Pick<GetOptions, 'allowEmpty'> = {}): Secret {
    return this.#handles.plain(name, this.#lookup.parse('secret', name, options));
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
   * Gives a secret a new value, in place or under a new name with its description and tags. The old secret is deleted
   * after the new value has been read back. Rotations of one name run one after the other.
   *
   * Rejects with `NOT_FOUND` if `current` is missing, and with `ROTATION_INCOMPLETE` if a step fails; `done` lists the
   * completed steps.
   */
  rotate(current: string, next: NextSecret, options: WriteOptions = {}): Promise<SecretMetadata> {
    return this.#writer.rotate(current, next, options);
  }

  /** Reads one secret, or all cached ones, again. Rejects with the failure. A transient one keeps the cached values. */
  async refresh(name?: string): Promise<void> {
    const lookup = name === undefined ? undefined : this.#lookup.parse('refresh', name);
    if (this.#pipeline.isClosed()) {
      throw closed({ ...this.context('refresh'), secretName: lookup?.name });
    }
    if (lookup === undefined) return await this.#cache.refresh();
    if (lookup.isHosted) await this.#cache.refresh(lookup.name);
  }

  /**
   * Drops one secret or all from the cache, including virtual keys. The other instances of the fleet read it again;
   * with `everywhere: true` they drop it, too.
   */
  invalidate(name?: string, options: InvalidateOptions = {}): void {
    this.#reports.invalidate(name, options);
  }

  /**
   * Expires secrets that were changed in the store, here and in every instance of the fleet: each is read again before
   * it is served. A webhook calls it. Of more than 1 000 names, the others follow in the next turns of the event loop.
   * Throws `INVALID_ARGUMENT` for what is no list of names, before anything expires.
   */
  announce(names: readonly string[]): void {
    this.#reports.announce(names);
  }

  /** The state of this instance in its fleet, with counts. `off` without the option `fleet`. */
  get fleet(): FleetStatus {
    return this.#fleetStatus();
  }

  /** Returns the names, states and ages of the cached secrets, never their values. */
  inspect(): readonly SecretInspection[] {
    return this.#cache.inspect().map((secret) => {
      const rejected = this.#typed?.rejected(secret.name) ?? 0;
      return rejected === 0 ? secret : { ...secret, rejected };
    });
  }

  /** The number of versions that fields of classes with `@SecretValue` have refused since the start. */
  get rejectedVersions(): number {
    return this.#typed?.rejected() ?? 0;
  }

  /** Resolves to `true` if the store can serve. Asks the manager itself, past cache, retry and circuit breaker. */
  async checkHealth(given: OperationOptions = {}): Promise<boolean> {
    const context = this.context('checkHealth');
    const options = readCallOptions(given, context);
    if (this.#pipeline.isClosed()) throw closed(context);
    return await this.#pipeline.outermost.checkHealth(options);
  }

  private context(operation: string): OperationContext {
    return { manager: this.managerName, operation };
  }
}

announceCopy('SecretsService', SecretsService);
