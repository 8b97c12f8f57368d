import { closed, type CallOptions } from '../../core/calls/cancellation';
import { readEnvironment } from '../../core/contract/environment';
import type { Fallback } from '../../core/contract/fallback';
import type { GetOptions } from '../../core/contract/get-options';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
} from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { countingDown } from '../../core/time/clock';
import { readCallOptions } from '../../core/validation/call-arguments';
import { parseSecretName } from '../../core/validation/secret-name';
import type { SecretPipeline } from '../../policies/compose';
import { asOutcome, outcomeOf, type ReadOutcome } from '../../policies/policy';
import type { ResolvedOptions } from '../../secret-manager.options';

/** One look-up: a valid name, and everything that decides its source. */
export interface Lookup<Default = string> {
  readonly name: string;
  readonly context: OperationContext;
  readonly call: CallOptions;
  readonly fallback: Fallback;
  /** The answer if the secret is absent everywhere. */
  readonly whenAbsent: Default | undefined;
  /** Accepts an empty value where a secret is required. */
  readonly allowEmpty: boolean;
  /** `true` if the settings permit asking the manager for the name. */
  readonly isHosted: boolean;
}

type LookupOptions<Default> = Omit<GetOptions, 'default'> & { readonly default?: Default };

/** Decides which source answers, the manager or the environment, and the effect of an absence and a failure. */
export class SecretLookup {
  readonly #pipeline: SecretPipeline;
  readonly #options: ResolvedOptions;
  readonly #hostedKeys: ReadonlySet<string> | undefined;
  readonly #warn: (message: string) => void;
  /** The names for which the environment replaces the manager. Each is reported once. */
  readonly #replaced = new Set<string>();

  constructor(pipeline: SecretPipeline, options: ResolvedOptions, warn: (message: string) => void) {
    const { hostedKeys } = options.settings;
    this.#pipeline = pipeline;
    this.#options = options;
    this.#hostedKeys = hostedKeys && new Set(hostedKeys);
    this.#warn = warn;
  }

  /** Returns the look-up of a name. Throws `INVALID_ARGUMENT` if the name or an option is wrong. */
  parse(operation: string, given: string, options?: GetOptions): Lookup {
    return this.lookupOf(operation, given, (context) =>
      options === undefined ? {} : readCallOptions(options, context),
    );
  }

  /** Returns the look-up of a name, with options from `optionsOf`. See {@link parse}. */
  lookupOf<Default = string>(
    operation: string,
    given: string,
    optionsOf: (context: OperationContext) => LookupOptions<Default>,
  ): Lookup<Default> {
    const manager = this.#pipeline.outermost.secretManagerName;
    const name = parseSecretName(given, { manager, operation });
    const context = { manager, operation, secretName: name };
    const options = optionsOf(context);
    const { params, signal, maxAgeMs, staleIfErrorMs } = options;
    const { timeoutMs = this.#options.timeoutMs } = options;
    const { fallback = this.#options.fallback, allowEmpty = false } = options;
    const isHosted = this.whyNotHosted(name) === undefined;
    if (isHosted) this.assertFallback(fallback, context);
    return {
      name,
      context,
      call: { params, signal, maxAgeMs, staleIfErrorMs, timeoutMs },
      fallback,
      whenAbsent: options.default,
      allowEmpty,
      isHosted,
    };
  }

  /** Throws `INVALID_ARGUMENT` for a fallback that would answer with ciphertext. */
  private assertFallback(fallback: Fallback, context: OperationContext): void {
    const problem = this.#pipeline.fallbackProblem(fallback);
    if (problem === undefined) return;
    throw new SecretManagerError(
      'INVALID_ARGUMENT',
      `The option \`fallback\` ${problem}.`,
      context,
    );
  }

  /** Returns the setting that excludes a name from the manager, or `undefined`. */
  whyNotHosted(name: string): string | undefined {
    if (this.#options.settings.accessMode === 'write_only') return 'accessMode is "write_only"';
    const isListed = this.#hostedKeys?.has(name) ?? true;
    return isListed ? undefined : `hostedKeys does not list ${quoteName(name)}`;
  }

  /**
   * Resolves to the value, or to the default of the call if the secret is absent everywhere. A failure is no
   * absence.
   */
  async find(lookup: Lookup): Promise<string | undefined> {
    if (this.#pipeline.isClosed()) throw closed(lookup.context);
    if (!lookup.isHosted) return this.readEnvironment(lookup) ?? lookup.whenAbsent;
    let reading: ReadOutcome;
    try {
      reading = await this.#pipeline.outermost.readSecret(lookup.name, lookup.call);
    } catch (error) {
      return this.fallBack(error, lookup);
    }
    return this.valueOf(reading, lookup) ?? lookup.whenAbsent;
  }

  findSync(lookup: Lookup): string | undefined {
    if (this.#pipeline.isClosed()) throw closed(lookup.context);
    if (!lookup.isHosted) return this.readEnvironment(lookup) ?? lookup.whenAbsent;
    let reading: ReadOutcome;
    try {
      reading = this.#pipeline.outermost.readSecretSync(lookup.name, lookup.call);
    } catch (error) {
      return this.fallBack(error, lookup);
    }
    return this.valueOf(reading, lookup) ?? lookup.whenAbsent;
  }

  /** Resolves to one value, absence or error per name. A failed name does not affect the others. */
  async readMany(
    lookups: readonly Lookup[],
    call: CallOptions = {},
  ): Promise<ReadonlyMap<string, string | SecretManagerError | undefined>> {
    if (this.#pipeline.isClosed()) {
      return new Map(lookups.map(({ name, context }) => [name, closed(context)]));
    }
    const hosted = lookups.filter(({ isHosted }) => isHosted);
    const outcomes = await this.outcomesOf(
      hosted,
      countingDown(call, call.timeoutMs ?? this.#options.timeoutMs),
    );
    return new Map(
      lookups.map((lookup) => [
        lookup.name,
        outcomeOf(() => this.answerOf(lookup, outcomes(lookup.name))),
      ]),
    );
  }

  /**
   * Returns the value of a required secret. Throws `NOT_FOUND` for a missing value, and `MALFORMED` for an
   * empty one.
   */
  required(value: string | undefined, lookup: Lookup): string {
    if (value === undefined) throw this.notFound(lookup);
    if (value === '' && !lookup.allowEmpty) throw isEmpty(lookup);
    return value;
  }

  /** Returns the error that names the sources. It also names a setting that excluded the manager. */
  private notFound({ name, context, fallback }: Lookup): SecretManagerError {
    const why = this.whyNotHosted(name);
    const where =
      why === undefined
        ? `${whereHosted(context, fallback)} ${this.#pipeline.outermost.explainAbsence?.() ?? ''}`.trim()
        : `the environment does not have it. The manager was not asked, because ${why}.`;
    const message = `The secret ${quoteName(name)} was not found: ${where}`;
    return new SecretManagerError('NOT_FOUND', message, context);
  }

  /**
   * Returns the value that a handle serves after an outcome of the manager, or `undefined` if the handle serves
   * none.
   */
  servedAfter(lookup: Lookup, outcome: ReadOutcome): string | undefined {
    const value = outcomeOf(() => this.answerOf(lookup, outcome));
    const isServed = typeof value === 'string' && (value !== '' || lookup.allowEmpty);
    return isServed ? value : undefined;
  }

  /** Returns whether no source has a secret that is absent in the store. */
  isAbsent(lookup: Lookup): boolean {
    return outcomeOf(() => this.answerOf(lookup, undefined)) === undefined;
  }

  private async outcomesOf(
    lookups: readonly Lookup[],
    call: CallOptions,
  ): Promise<(name: string) => ReadOutcome> {
    if (lookups.length === 0) return () => undefined;
    const names = [...new Set(lookups.map(({ name }) => name))];
    try {
      const readings = await this.#pipeline.outermost.readSecrets(names, call);
      return (name) => readings.get(name);
    } catch (error) {
      return () => asOutcome(error); // the batch failed as a whole, and so did each name
    }
  }

  private answerOf(lookup: Lookup, outcome: ReadOutcome): string | undefined {
    return lookup.isHosted ? this.valueOf(outcome, lookup) : this.readEnvironment(lookup);
  }

  private valueOf(outcome: ReadOutcome, lookup: Lookup): string | undefined {
    if (outcome instanceof Error) return this.fallBack(outcome, lookup);
    if (this.#replaced.delete(lookup.name)) {
      this.#warn(`${lookup.context.manager} answers for ${quoteName(lookup.name)} again.`);
    }
    if (outcome !== undefined) return outcome.value;
    return lookup.fallback === 'never' ? undefined : this.readEnvironment(lookup);
  }

  /** Returns the value of the environment if the fallback covers the failure. Throws the failure otherwise. */
  private fallBack(error: unknown, lookup: Lookup): string | undefined {
    const { name, context, fallback, call } = lookup;
    if (!isSecretManagerError(error) || call.signal?.aborted) throw error;
    if (this.#pipeline.isClosed()) throw error;
    const isCovered =
      fallback === 'on-any-failure' || (fallback === 'on-unavailable' && error.retryable);
    const value = isCovered ? this.readEnvironment(lookup) : undefined;
    if (value === undefined) throw error;
    if (!this.#replaced.has(name)) {
      this.#replaced.add(name);
      this.#warn(
        `${context.manager} failed with ${error.code}; ${quoteName(name)} comes from the environment until it answers again.`,
      );
    }
    return value;
  }

  private readEnvironment({ name, context }: Lookup): string | undefined {
    return readEnvironment(this.#options.environment, name, context);
  }
}

function isEmpty({ name, context }: Lookup): SecretManagerError {
  return new SecretManagerError(
    'MALFORMED',
    `The secret ${quoteName(name)} is empty where one is required. Give it a value, or say \`allowEmpty: true\` if that is right.`,
    context,
  );
}

function whereHosted({ manager }: OperationContext, fallback: Fallback): string {
  return fallback === 'never'
    ? `${manager} does not have it. The environment was not asked, because fallback is "never".`
    : `neither ${manager} nor the environment has it.`;
}
