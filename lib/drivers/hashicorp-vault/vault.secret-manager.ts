import {
  CANCELLATION,
  ENDS_BY_CANCELLATION,
  managerClosed,
  type CallOptions,
} from '../../core/calls/cancellation';
import {
  CustomSecretManager,
  type DeleteOptions,
  type OperationOptions,
  type SecretDescription,
  type SecretMetadata,
  type SecretReading,
  type WriteOptions,
} from '../../core/contract/custom-secret-manager';
import type { OperationContext } from '../../core/errors/secret-manager.error';
import { countingDown } from '../../core/time/clock';
import { DEFAULT_TIMEOUT_MS } from '../../core/time/durations';
import type { Engine } from './engines/engine';
import { UsableOptions } from '../http/options/usable-options';
import { Kv2Engine } from './engines/kv2.engine';
import { PathEngine } from './engines/path.engine';
import { VaultLeases } from './engines/vault-leases';
import { optionsFromEnvironment } from './options/from-environment';
import { optionProblems } from './options/option-problems';
import { vaultCall, type VaultCall } from './options/vault-call';
import type { VaultSecretManagerOptions } from './options/vault.options';
import { OwnWrites } from './session/read-your-writes';
import { VaultConnection } from './session/vault-connection';
import { serverState, type VaultServerState } from './wire/vault-health';

/**
 * Reads and writes secrets of HashiCorp Vault and OpenBao: KV 1, KV 2, and dynamic credentials with their lease.
 * The manager logs in by itself and keeps its token alive.
 *
 * Params of a call: `mount`, `namespace`, `version` (KV 2 only), `field`, `kvVersion`.
 */
export class VaultSecretManager extends CustomSecretManager {
  /** @internal */
  readonly [ENDS_BY_CANCELLATION] = VaultSecretManager;

  readonly #options: VaultSecretManagerOptions;
  readonly #usable: UsableOptions;
  readonly #connection: VaultConnection;
  readonly #leases: VaultLeases;
  readonly #kv2: Engine;
  readonly #path: Engine;
  #closing: Promise<void> | undefined;

  constructor(options: VaultSecretManagerOptions) {
    super('hashicorp-vault');
    this.#options = options;
    this.#usable = new UsableOptions('VaultSecretManager', () => optionProblems(options));
    this.#connection = new VaultConnection(options);
    const { clients, credentials, session } = this.#connection;
    this.#leases = new VaultLeases(clients, credentials);
    const requests = new OwnWrites(session);
    this.#kv2 = new Kv2Engine(requests);
    this.#path = new PathEngine(requests, this.#leases);
  }

  /**
   * Creates a manager from the variables of one family. `overrides` win over the variables.
   *
   * - HashiCorp Vault's tools: `VAULT_ADDR`, `VAULT_TOKEN`, `VAULT_NAMESPACE`, `VAULT_CACERT`, `VAULT_CLIENT_CERT`,
   *   `VAULT_CLIENT_KEY`, `VAULT_PROXY_ADDR`
   * - OpenBao: the same names with `BAO_`
   * - LiteLLM: `HCP_VAULT_...`
   *
   * The start fails with `MISCONFIGURED` if variables of two families are mixed. Without `VAULT_PROXY_ADDR` the
   * proxy comes from `HTTPS_PROXY` (`HTTP_PROXY` for a plain `http` address) and `NO_PROXY`.
   */
  static fromEnvironment(
    environment: Readonly<Record<string, string | undefined>> = process.env,
    overrides: Partial<VaultSecretManagerOptions> = {},
  ): VaultSecretManager {
    const options = { ...optionsFromEnvironment(environment, overrides.address), ...overrides };
    return new VaultSecretManager(options as VaultSecretManagerOptions); // the start reports missing options
  }

  /** Throws `MISCONFIGURED` with every problem of the options. Sends no request. */
  override validateEnvironment(): void {
    this.#usable.assert(this.context('validateEnvironment'));
    if (this.#options.startsSyncReads) this.#connection.clients.syncClient.start();
  }

  override async readSecret(
    secretName: string,
    options: OperationOptions = {},
  ): Promise<SecretReading | undefined> {
    const call = this.parseCall('readSecret', secretName, options);
    return await this.engineFor(call).read(call);
  }

  override readSecretSync(
    secretName: string,
    options: OperationOptions = {},
  ): SecretReading | undefined {
    const call = this.parseCall('readSecretSync', secretName, options);
    return this.engineFor(call).readSync(call);
  }

  override async writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    const call = this.parseCall('writeSecret', secretName, options);
    return await this.engineFor(call).write(call, value, options);
  }

  override async deleteSecret(secretName: string, options: DeleteOptions = {}): Promise<void> {
    const call = this.parseCall('deleteSecret', secretName, options);
    await this.engineFor(call).delete(call, options);
  }

  override async describeSecret(
    secretName: string,
    options: OperationOptions = {},
  ): Promise<SecretDescription> {
    const call = this.parseCall('describeSecret', secretName, options);
    return await this.engineFor(call).describe(call);
  }

  /**
   * Resolves to `true` if the server can serve and knows the token. The token does not need the right to look
   * itself up.
   *
   * Rejects with `UNAVAILABLE` if the server is sealed or not initialised, and with `UNAUTHENTICATED` if it refuses
   * the login. Other failures reject with their own code. {@link serverState} tells the states apart.
   */
  override async checkHealth(options: OperationOptions = {}): Promise<boolean> {
    this.#usable.assert(this.context('checkHealth'));
    await this.#connection.assertHealthy(options);
    return true;
  }

  /** Resolves to the state that the server reports of itself. */
  async serverState(options: OperationOptions = {}): Promise<VaultServerState> {
    this.#usable.assert(this.context('checkHealth'));
    return await serverState(this.#connection.clients.client, options);
  }

  /**
   * Revokes the leases and tokens that the manager still holds, within three seconds at most, and closes the
   * connections. A lease or token that was not revoked expires by itself. The leases come first, because their
   * revocation needs a token.
   */
  override close(): Promise<void> {
    this.#closing ??= this.closeOnce();
    return this.#closing;
  }

  private async closeOnce(): Promise<void> {
    if (this.#usable.areWrong) return; // no request was ever sent
    await this.#connection.close(() => this.#leases.close());
  }

  private parseCall(operation: string, secretName: string, options: OperationOptions): VaultCall {
    const context = this.context(operation, secretName);
    this.#usable.assert(context);
    if (this.#closing !== undefined) throw managerClosed(context);
    return vaultCall(secretName, withDeadline(options), this.#options, context);
  }

  private engineFor({ kvVersion }: VaultCall): Engine {
    return kvVersion === 2 ? this.#kv2 : this.#path;
  }

  private context(operation: string, secretName?: string): OperationContext {
    return { manager: this.secretManagerName, operation, secretName };
  }
}

/** Adds one deadline for all requests of a call. A call of the pipeline already has one. */
function withDeadline(options: CallOptions): OperationOptions {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  return options[CANCELLATION] === undefined ? countingDown(options, timeoutMs) : options;
}
