import { EFFORT, type CallOptions } from './core/cancellation';
import { countingDown } from './core/clock';
import type { SecretReading } from './core/custom-secret-manager';
import { assertCallOptions } from './core/call-arguments';
import { readEnvironment } from './core/environment';
import type { Fallback, GetOptions } from './core/get-options';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
} from './core/secret-manager.error';
import { parseSecretName, quoteName } from './core/secret-name';
import type { SecretPipeline } from './policies/compose';
import type { ResolvedOptions } from './secret-manager.options';

/** One name to look up: found right, and with everything that decides where it is looked for. */
export interface Lookup {
  readonly name: string;
  readonly context: OperationContext;
  readonly call: CallOptions;
  readonly fallback: Fallback;
  /** Whether the settings let the manager be asked for it. */
  readonly isHosted: boolean;
}

type Outcome = SecretReading | SecretManagerError | undefined;

/** Decides who is asked for a secret, the manager or the environment, and what an absence and a failure lead to. */
export class SecretLookup {
  readonly #pipeline: SecretPipeline;
  readonly #options: ResolvedOptions;
  readonly #hostedKeys: ReadonlySet<string> | undefined;
  readonly #warn: (message: string) => void;
  /** The names that the environment stands in for, so that it is told once. */
  readonly #replaced = new Set<string>();

  constructor(pipeline: SecretPipeline, options: ResolvedOptions, warn: (message: string) => void) {
    const { hostedKeys } = options.settings;
    this.#pipeline = pipeline;
    this.#options = options;
    this.#hostedKeys = hostedKeys && new Set(hostedKeys);
    this.#warn = warn;
  }

  /** Throws `INVALID_ARGUMENT` before anything else happens if the name or an option is wrong. */
  parse(operation: string, given: string, options?: GetOptions & CallOptions): Lookup {
    const manager = this.#pipeline.outermost.secretManagerName;
    const name = parseSecretName(given, { manager, operation });
    const context = { manager, operation, secretName: name };
    if (options !== undefined) assertCallOptions(options, context);
    const { signal, maxAgeMs, staleIfErrorMs, fallback = this.#options.fallback } = options ?? {};
    const params = options?.params && structuredClone(options.params); // the caller may change it meanwhile
    const { timeoutMs = this.#options.timeoutMs, [EFFORT]: effort } = options ?? {};
    const call = { params, signal, maxAgeMs, staleIfErrorMs, timeoutMs };
    return {
      name,
      context,
      call: effort === undefined ? call : { ...call, [EFFORT]: effort },
      fallback,
      isHosted: this.whyNotHosted(name) === undefined,
    };
  }

  /** The setting that keeps the manager from being asked for a name; `undefined` if none does. */
  whyNotHosted(name: string): string | undefined {
    if (this.#options.settings.accessMode === 'write_only') return 'accessMode is "write_only"';
    const isListed = this.#hostedKeys?.has(name) ?? true;
    return isListed ? undefined : `hostedKeys does not list ${quoteName(name)}`;
  }

  /** Resolves to the value, or to `options.default` if it is absent everywhere; a failure is not absence. */
  async find(operation: string, given: string, options?: GetOptions): Promise<string | undefined> {
    const lookup = this.parse(operation, given, options);
    if (!lookup.isHosted) return this.fromEnvironment(lookup) ?? options?.default;
    let reading: Outcome;
    try {
      reading = await this.#pipeline.outermost.readSecret(lookup.name, lookup.call);
    } catch (error) {
      return this.inPlaceOf(error, lookup);
    }
    return this.valueOf(reading, lookup) ?? options?.default;
  }

  findSync(operation: string, given: string, options?: GetOptions): string | undefined {
    const lookup = this.parse(operation, given, options);
    if (!lookup.isHosted) return this.fromEnvironment(lookup) ?? options?.default;
    let reading: Outcome;
    try {
      reading = this.#pipeline.outermost.readSecretSync(lookup.name, lookup.call);
    } catch (error) {
      return this.inPlaceOf(error, lookup);
    }
    return this.valueOf(reading, lookup) ?? options?.default;
  }

  /** Resolves to one value, absence or error per name; one that fails does not lose the others. */
  async readMany(
    lookups: readonly Lookup[],
    call: CallOptions = {},
  ): Promise<ReadonlyMap<string, string | SecretManagerError | undefined>> {
    const hosted = lookups.filter(({ isHosted }) => isHosted);
    const outcomes = await this.outcomesOf(
      hosted,
      countingDown(
        { ...call, params: call.params && structuredClone(call.params) },
        call.timeoutMs ?? this.#options.timeoutMs,
      ),
    );
    return new Map(
      lookups.map((lookup) => [
        lookup.name,
        asOutcome(() =>
          lookup.isHosted
            ? this.valueOf(outcomes(lookup.name), lookup)
            : this.fromEnvironment(lookup),
        ),
      ]),
    );
  }

  /** Names the sources that were asked, and says so if a setting kept the manager out. */
  notFound(operation: string, given: string, options?: GetOptions): SecretManagerError {
    const { name, context, fallback } = this.parse(operation, given, options);
    const why = this.whyNotHosted(name);
    const where =
      why === undefined
        ? whereHosted(context, fallback)
        : `the environment does not have it. The manager was not asked, because ${why}.`;
    const message = `The secret ${quoteName(name)} was not found: ${where}`;
    return new SecretManagerError('NOT_FOUND', message, context);
  }

  private async outcomesOf(
    lookups: readonly Lookup[],
    call: CallOptions,
  ): Promise<(name: string) => Outcome> {
    if (lookups.length === 0) return () => undefined;
    const names = [...new Set(lookups.map(({ name }) => name))];
    try {
      const readings = await this.#pipeline.outermost.readSecrets(names, call);
      return (name) => readings.get(name);
    } catch (error) {
      return () => error as SecretManagerError; // of the batch as a whole, and so of each name
    }
  }

  private valueOf(outcome: Outcome, lookup: Lookup): string | undefined {
    if (outcome instanceof Error) return this.inPlaceOf(outcome, lookup);
    if (this.#replaced.delete(lookup.name)) {
      this.#warn(`${lookup.context.manager} answers for ${quoteName(lookup.name)} again.`);
    }
    if (outcome !== undefined) return outcome.value;
    return lookup.fallback === 'never' ? undefined : this.fromEnvironment(lookup);
  }

  /** What the environment has, where the fallback lets it stand in for a manager that failed; throws the failure elsewhere. */
  private inPlaceOf(error: unknown, lookup: Lookup): string | undefined {
    const { name, context, fallback, call } = lookup;
    if (!isSecretManagerError(error) || call.signal?.aborted) throw error;
    const isCovered =
      fallback === 'on-any-failure' || (fallback === 'on-unavailable' && error.retryable);
    const value = isCovered ? this.fromEnvironment(lookup) : undefined;
    if (value === undefined) throw error;
    if (!this.#replaced.has(name)) {
      this.#replaced.add(name);
      this.#warn(
        `${context.manager} failed with ${error.code}; ${quoteName(name)} comes from the environment until it answers again.`,
      );
    }
    return value;
  }

  private fromEnvironment({ name, context }: Lookup): string | undefined {
    return readEnvironment(this.#options.environment, name, context);
  }
}

function whereHosted({ manager }: OperationContext, fallback: Fallback): string {
  return fallback === 'never'
    ? `${manager} does not have it. The environment was not asked, because fallback is "never".`
    : `neither ${manager} nor the environment has it.`;
}

function asOutcome(read: () => string | undefined): string | SecretManagerError | undefined {
  try {
    return read();
  } catch (error) {
    return error as SecretManagerError; // nothing else is thrown there
  }
}
