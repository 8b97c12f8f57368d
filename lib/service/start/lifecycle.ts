import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
} from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import type { SecretPipeline } from '../../policies/compose';
import type { RequiredSecret, ResolvedOptions } from '../../secret-manager.options';
import type { RegistrationCheck } from './registration-check';
import type { SecretLookup } from '../reading/secret-lookup';
import { readAtStart } from './startup';

/** A part beside the pipeline that ends with it. `close` does not reject. */
export interface Companion {
  close(): Promise<void>;
}

/** Loads the secrets that users need from the start, and closes the manager at the end. */
export class Lifecycle {
  readonly #pipeline: SecretPipeline;
  readonly #options: ResolvedOptions;
  readonly #lookup: SecretLookup;
  readonly #warn: (message: string) => void;
  readonly #companions: readonly Companion[];
  readonly #registration: RegistrationCheck;
  #isStarted = false;

  constructor(
    pipeline: SecretPipeline,
    options: ResolvedOptions,
    lookup: SecretLookup,
    warn: (message: string) => void,
    registration: RegistrationCheck,
    companions: readonly Companion[] = [],
  ) {
    this.#registration = registration;
    this.#companions = companions;
    this.#pipeline = pipeline;
    this.#options = options;
    this.#lookup = lookup;
    this.#warn = warn;
  }

  /** Reads the secrets of `preload`, and keeps them fresh from then on. */
  async preload(): Promise<void> {
    await this.load(this.#options.preload, this.context('preload'));
  }

  /**
   * Reads secrets as {@link preload} does, for handles, which must be able to reveal them at once.
   */
  async loadHandles(required: readonly RequiredSecret[]): Promise<void> {
    const context = this.context('forFeature');
    await this.load(required, context, (name) => this.assertRevealable(name, context));
  }

  markStarted(): void {
    this.#isStarted = true;
  }

  /** Closes the manager of an application that fails to start. Such an application runs no hook. */
  async closeUnlessStarted(): Promise<void> {
    if (!this.#isStarted) await this.close();
  }

  /** Cancels the calls in flight, clears the cache, and closes the manager. Does not reject. */
  async close(): Promise<void> {
    const { manager } = this.context('close');
    const closing = this.#companions.map((companion) => companion.close());
    try {
      await this.#pipeline.close();
    } catch (error) {
      const code = isSecretManagerError(error) ? error.code : 'UNKNOWN';
      this.#warn(`${manager} did not close in order (${code}).`);
    }
    await Promise.all(closing);
  }

  private async load(
    required: readonly RequiredSecret[],
    context: OperationContext,
    assertUsable: (name: string) => void = () => undefined,
  ): Promise<void> {
    try {
      const parsed = required.map(({ name }) => this.#lookup.parse(context.operation, name));
      const hosted = parsed.filter(({ isHosted }) => isHosted).map(({ name }) => name);
      this.#registration.assert(hosted);
      for (const name of hosted) {
        assertUsable(name);
        this.#pipeline.cache.pin(name);
      }
      await readAtStart(this.#lookup, required, this.#options.timeoutMs, context, this.#warn);
    } catch (error) {
      await this.closeUnlessStarted();
      throw error;
    }
  }

  private assertRevealable(secretName: string, context: OperationContext): void {
    if (this.#pipeline.hasCache || this.#pipeline.isSupported('readSecretSync')) return;
    throw new SecretManagerError(
      'MISCONFIGURED',
      `The handle of ${quoteName(secretName)} could reveal nothing: there is no cache to answer from, and ${context.manager} ` +
        'does not implement readSecretSync(). Leave `cache` on, override readSecretSync(), or inject SecretsService instead.',
      { ...context, secretName },
    );
  }

  private context(operation: string): OperationContext {
    return { manager: this.#pipeline.outermost.secretManagerName, operation };
  }
}
