import { WRITES_WAIT } from '../../core/calls/waiting';
import {
  CustomSecretManager,
  type DeleteOptions,
  type OperationOptions,
  type RegistrationFacts,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../../core/contract/custom-secret-manager';
import { NamedLock } from '../../core/time/named-lock';
import { assertNoParams } from '../../core/validation/params';
import { HttpClients } from '../http/wire/http-clients';
import { HttpDriver } from '../http/http-driver';
import type { HttpSteps } from '../http/wire/http-request';
import { MappedNames } from '../http/options/mapped-names';
import { waitOrBlock } from '../http/wire/steps';
import { UsableOptions } from '../http/options/usable-options';
import { waitFor } from '../http/wire/waiting';
import type { AzureKeyVaultSecretManagerOptions, Environment } from './options/azure.options';
import {
  ENVIRONMENT,
  optionsFromEnvironment,
  type EnvironmentOptions,
} from './options/from-environment';
import { optionProblems } from './options/option-problems';
import { bundleOf } from './vault/secret-bundle';
import type { SecretCall } from './vault/secret-call';
import { SecretTags } from './vault/secret-tags';
import { cannotBlock } from './vault/polling';
import { Vault } from './vault/vault';
import { isAbsent, isDenied, isDisabled, vaultError } from './wire/vault-errors';
import { secretPath } from './wire/vault-requests';

const READS_ALONE =
  'they are for reads, and a vault writes, describes and deletes a secret as a whole';

/** The name of a secret that is never there. */
const HEALTH_CHECK = 'nestjs-custom-secret-manager-health-check';

/**
 * Reads and writes secrets of Azure Key Vault. Names have 1 to 127 letters, digits and dashes, or are mapped. Upper
 * and lower case are the same: use one spelling per secret, because the cache treats two spellings as two secrets.
 *
 * `params` of a read:
 * - `version`: 32 hexadecimal digits
 * - `encoding`: the UTF-8 bytes of the text as `base64`, `base64url`, `hex` or `latin1`; default: the text
 *
 * Errors: a disabled version is `NOT_FOUND`, thrown, so that no older value of the environment answers. A secret past
 * its expiry date is served, with one process warning.
 *
 * `createOnly` reads, then writes: two instances at once may both succeed, and two calls of one instance may not. A deletion that asks for a longer recovery
 * window than the vault has is `UNSUPPORTED`. `recoveryWindowInDays: 0` purges.
 */
export class AzureKeyVaultSecretManager extends CustomSecretManager {
  /** @internal */
  readonly [WRITES_WAIT] = true;

  readonly #options: AzureKeyVaultSecretManagerOptions;
  readonly #environment: Environment;
  readonly #names: MappedNames;
  readonly #clients: HttpClients;
  readonly #driver: HttpDriver;
  readonly #changes = new NamedLock();
  #vault: Vault | undefined;

  constructor(options: AzureKeyVaultSecretManagerOptions) {
    super('azure-key-vault');
    const { vaultUrl, mapName, proxy, noProxy }: Partial<AzureKeyVaultSecretManagerOptions> =
      options;
    const { [ENVIRONMENT]: environment = process.env }: EnvironmentOptions = options;
    this.#options = options;
    this.#environment = environment;
    this.#names = new MappedNames({
      mapName,
      pattern: /^[0-9A-Za-z-]{1,127}$/,
      demand: 'has 1 to 127 letters, digits and dashes',
      ignoresCase: true,
    });
    const name = this.secretManagerName;
    const origin = URL.canParse(vaultUrl ?? '') ? new URL(vaultUrl ?? '').origin : '';
    this.#clients = new HttpClients(name, { origin, proxy, noProxy });
    this.#driver = new HttpDriver({
      manager: name,
      options: new UsableOptions('AzureKeyVaultSecretManager', () => optionProblems(options)),
      clients: this.#clients,
    });
  }

  /**
   * Creates a manager from variables. `overrides` win over the variables.
   *
   * - The vault: `AZURE_KEY_VAULT_URI`
   * - A client secret: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`
   * - Else a certificate: `AZURE_CLIENT_CERTIFICATE_PATH`, one PEM file with certificate and key
   * - Else a workload identity: `AZURE_FEDERATED_TOKEN_FILE`
   * - Else a managed identity, that of `AZURE_CLIENT_ID` if it is set
   *
   * `AZURE_AUTHORITY_HOST` is the login service. The proxy comes from `HTTPS_PROXY` and `NO_PROXY`.
   */
  static fromEnvironment(
    environment: Readonly<Record<string, string | undefined>> = process.env,
    overrides: Partial<AzureKeyVaultSecretManagerOptions> = {},
  ): AzureKeyVaultSecretManager {
    const options = { ...optionsFromEnvironment(environment, overrides.vaultUrl), ...overrides };
    return new AzureKeyVaultSecretManager(options as AzureKeyVaultSecretManagerOptions); // the start reports missing options
  }

  /** Throws `MISCONFIGURED` with every problem of the options. Sends no request. */
  override validateEnvironment(): void {
    this.#driver.assertUsable('validateEnvironment');
    if (this.#options.startsSyncReads) this.#driver.startSync();
  }

  /**
   * Throws `MISCONFIGURED` for names that a vault cannot have, for two that are one secret there, and for a description
   * or tags of the settings that a vault does not take.
   */
  override validateRegistration(facts: RegistrationFacts): void {
    this.#names.assertDistinct(facts);
    new SecretTags(this.#options.mapName !== undefined).assertUsual(facts);
  }

  override readSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<SecretReading | undefined> {
    return this.run('readSecret', secretName, options, ({ reader }, call) => reader.read(call));
  }

  override readSecretSync(
    secretName: string,
    options?: OperationOptions,
  ): SecretReading | undefined {
    return this.#driver.runSync('readSecretSync', secretName, options, (limited) =>
      this.vault().reader.read(this.callOf(secretName, limited)),
    );
  }

  override writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    return this.change('writeSecret', secretName, options, ({ writer }, call) => {
      assertNoParams(options.params, READS_ALONE);
      return writer.write(call, value, options);
    });
  }

  /** Resolves to the time of the removal, which the vault sets. */
  override deleteSecret(secretName: string, options: DeleteOptions = {}): Promise<SecretMetadata> {
    return this.change('deleteSecret', secretName, options, ({ deletion }, call) => {
      assertNoParams(options.params, READS_ALONE);
      return deletion.delete(call, options.recoveryWindowInDays);
    });
  }

  /** Resolves to the tags, and to the tag `description` as the description. Of a disabled secret, too. */
  override describeSecret(
    secretName: string,
    options: OperationOptions = {},
  ): Promise<SecretDescription> {
    return this.run('describeSecret', secretName, options, function* ({ reader, tags }, call) {
      assertNoParams(options.params, READS_ALONE);
      const found = yield* reader.find(call);
      return found === undefined ? {} : tags.describe(found);
    });
  }

  /** Resolves to `true` if the vault knows the login. A login without the right to read is healthy. */
  override checkHealth(options?: OperationOptions): Promise<boolean> {
    return this.#driver.run('checkHealth', undefined, options, (limited) => this.ping(limited));
  }

  /** Closes all connections. Requests in flight fail. */
  override async close(): Promise<void> {
    await Promise.all([this.#vault?.close(), this.#driver.close()]);
  }

  private async run<Outcome>(
    operation: string,
    secretName: string,
    options: OperationOptions | undefined,
    steps: (vault: Vault, call: SecretCall) => HttpSteps<Outcome>,
  ): Promise<Outcome> {
    return await this.#driver.run(operation, secretName, options, (limited) =>
      steps(this.vault(), this.callOf(secretName, limited)),
    );
  }

  /** Runs one change of a secret after the other: a write reads before it writes. */
  private async change<Outcome>(
    operation: string,
    secretName: string,
    options: OperationOptions,
    steps: (vault: Vault, call: SecretCall) => HttpSteps<Outcome>,
  ): Promise<Outcome> {
    const context = { manager: this.secretManagerName, operation, secretName };
    return await this.run(operation, secretName, options, (vault, call) =>
      waitOrBlock({
        wait: () =>
          this.#changes.run(
            [call.storedName.toLowerCase()],
            (earlier) => waitFor(earlier, call.options, context),
            () => this.#clients.run(steps(vault, call), call.options),
          ),
        block: cannotBlock,
      }),
    );
  }

  private callOf(secretName: string, options: OperationOptions): SecretCall {
    return { secretName, storedName: this.#names.toStored(secretName), options };
  }

  private *ping(options: OperationOptions): HttpSteps<boolean> {
    const answer = yield* this.vault().requests.send('GET', secretPath(HEALTH_CHECK), options);
    const isKnown = isAbsent(answer) || isDenied(answer) || isDisabled(answer);
    if (isKnown || bundleOf(answer) !== undefined) return true;
    throw vaultError(answer, 'The health check');
  }

  /** Returns the vault. The options are right by now. */
  private vault(): Vault {
    return (this.#vault ??= new Vault(
      this.secretManagerName,
      this.#options,
      this.#clients,
      this.#environment,
    ));
  }
}
