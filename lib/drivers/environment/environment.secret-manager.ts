import {
  CustomSecretManager,
  type OperationOptions,
} from '../../core/contract/custom-secret-manager';
import { READS_ENVIRONMENT } from '../../core/contract/environment';
import { assertKnownOptions } from '../../core/validation/option-rules';
import { assertNoParams } from '../../core/validation/params';
import { assertSecretName } from '../../core/validation/secret-name';

export interface EnvironmentSecretManagerOptions {
  /** The prefix of every variable: with `APP_`, the secret `TOKEN` is the variable `APP_TOKEN`. Default: none. */
  readonly prefix?: string;
  /**
   * Removes a variable after its first read. Child processes then do not inherit it, and diagnostics reports do not
   * hold it. The manager still returns its value. Default `false`.
   */
  readonly scrub?: boolean;
  /** The variables. Default `process.env`. */
  readonly environment?: Record<string, string | undefined>;
}

const OPTIONS = ['prefix', 'scrub', 'environment'];

/** Secrets from environment variables. The manager only reads. */
export class EnvironmentSecretManager extends CustomSecretManager {
  readonly #prefix: string;
  readonly #environment: Record<string, string | undefined>;
  readonly #scrub: boolean;
  readonly #removed = new Map<string, string>();

  /** Throws `MISCONFIGURED` for an unknown option. */
  constructor(options: EnvironmentSecretManagerOptions = {}) {
    super('environment');
    assertKnownOptions('EnvironmentSecretManager', options, OPTIONS);
    const { prefix = '', scrub = false, environment = process.env } = options;
    this.#prefix = prefix;
    this.#environment = environment;
    this.#scrub = scrub;
  }

  /** @internal */
  readonly [READS_ENVIRONMENT] = true;

  override async readSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<string | undefined> {
    return this.readSecretSync(secretName, options);
  }

  override readSecretSync(
    secretName: string,
    { params }: OperationOptions = {},
  ): string | undefined {
    assertNoParams(params, 'an environment knows one version of a secret, and no tenants');
    assertSecretName(secretName);
    const variable = this.#prefix + secretName;
    const value = Object.hasOwn(this.#environment, variable)
      ? this.#environment[variable]
      : undefined;
    if (value === undefined) return this.#removed.get(variable);
    if (this.#scrub) {
      this.#removed.set(variable, value);
      delete this.#environment[variable];
    }
    return value;
  }
}
