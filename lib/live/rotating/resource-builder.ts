import { CANCELLATION, type CallOptions, type Cancellation } from '../../core/calls/cancellation';
import { waitFor } from '../../core/calls/waiting';
import { errorName } from '../../core/errors/error-table';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
  type SecretManagerErrorCode,
} from '../../core/errors/secret-manager.error';
import { countingDown } from '../../core/time/clock';
import { Generation } from './generation';
import type { Values } from './sources';

const DISPOSE_TIMEOUT_MS = 5_000;

/** The functions of a team for one resource. They may return at once, or a promise. */
export interface ResourceFunctions<Resource> {
  readonly build: (values: Values) => Resource | Promise<Resource>;
  readonly probe: (resource: Resource) => unknown;
  readonly dispose: (resource: Resource) => unknown;
}

export interface ResourceBuilderOptions {
  readonly buildTimeoutMs: number;
  /** The resource and its secrets, as the subject of a message. */
  readonly title: string;
  readonly context: OperationContext;
  readonly warn: (message: string) => void;
}

/** Builds, probes and disposes of resources within bounds. An error names the step, and holds no value. */
export class ResourceBuilder<Resource> {
  readonly #functions: ResourceFunctions<Resource>;
  readonly #options: ResourceBuilderOptions;

  constructor(functions: ResourceFunctions<Resource>, options: ResourceBuilderOptions) {
    this.#functions = functions;
    this.#options = options;
  }

  /**
   * Resolves to a resource that passed its probe. One that fails the probe, or is late, is disposed of.
   *
   * @param cancellation ends the wait for the resource, which is disposed of when it arrives
   */
  async build(values: Values, cancellation?: Cancellation): Promise<Generation<Resource>> {
    const { build, probe } = this.#functions;
    const terms = countingDown({ [CANCELLATION]: cancellation }, this.#options.buildTimeoutMs);
    const building = settle(() => build(values)).then(
      (resource) => new Generation(resource, values, (retired) => this.disposeOf(retired)),
    );
    const generation = await this.step('build', building, terms).catch((error: unknown) => {
      building
        .then((late) => (isMissing(late.resource) ? undefined : late.retire(0)))
        .catch(() => undefined);
      throw error;
    });
    const { resource } = generation;
    if (isMissing(resource)) throw this.error('build', 'returned nothing');
    try {
      const result = await this.step(
        'probe',
        settle(() => probe(resource)),
        terms,
      );
      if (result === false) throw this.error('probe', 'returned false');
    } catch (error) {
      await generation.retire(0);
      throw error;
    }
    return generation;
  }

  private step<Result>(name: string, work: Promise<Result>, terms: CallOptions): Promise<Result> {
    const { buildTimeoutMs, context } = this.#options;
    const outcome = work.catch((error: unknown) => {
      throw this.error(name, `failed with ${describe(error)}`, 'UNKNOWN');
    });
    const late = () => this.error(name, `took longer than ${buildTimeoutMs} ms`, 'TIMEOUT');
    return waitFor(outcome, terms, context, late);
  }

  private async disposeOf(resource: Resource): Promise<void> {
    const { context, title, warn } = this.#options;
    try {
      const disposing = settle(() => this.#functions.dispose(resource));
      await waitFor(disposing, { timeoutMs: DISPOSE_TIMEOUT_MS }, context);
    } catch (error) {
      warn(`${title}: dispose() failed with ${describe(error)}.`);
    }
  }

  private error(
    step: string,
    problem: string,
    code: SecretManagerErrorCode = 'MISCONFIGURED',
  ): SecretManagerError {
    const { title, context } = this.#options;
    return new SecretManagerError(code, `${title}: ${step}() ${problem}.`, context);
  }
}

function isMissing(resource: unknown): boolean {
  return resource === undefined || resource === null;
}

/** Runs a function that may throw. */
async function settle<Result>(run: () => Result | Promise<Result>): Promise<Result> {
  return await run();
}

/** Returns the code or the class of an error. Its text may hold a value. */
function describe(error: unknown): string {
  return isSecretManagerError(error) ? error.code : (errorName(error) ?? 'an error');
}
