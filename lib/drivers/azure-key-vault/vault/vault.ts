import { HttpClients } from '../../http/wire/http-clients';
import { TokenSession } from '../../http/login/token-session';
import { azureLogin } from '../login/azure-login';
import type { AzureKeyVaultSecretManagerOptions, Environment } from '../options/azure.options';
import { SecretDeletion } from './secret-deletion';
import { SecretReader } from './secret-reader';
import { SecretRecovery } from './secret-recovery';
import { SecretTags } from './secret-tags';
import { SecretWriter } from './secret-writer';
import { authorize, mayAcceptAnother, VaultRequests } from '../wire/vault-requests';
import { Warnings } from './warnings';

/** One vault and its login. The options were checked before. */
export class Vault {
  readonly requests: VaultRequests;
  readonly tags: SecretTags;
  readonly reader: SecretReader;
  readonly writer: SecretWriter;
  readonly deletion: SecretDeletion;
  readonly #recovery: SecretRecovery;
  /** The connections to a metadata service. */
  readonly #metadata: HttpClients | undefined;
  readonly #closeLogin: (() => void) | undefined;

  constructor(
    manager: string,
    options: AzureKeyVaultSecretManagerOptions,
    clients: HttpClients,
    environment: Environment,
  ) {
    const { login, resource, metadataOrigin, close } = azureLogin(manager, options, environment);
    this.#closeLogin = close;
    this.#metadata =
      metadataOrigin === undefined
        ? undefined
        : new HttpClients(manager, { origin: metadataOrigin });
    const session = new TokenSession(manager, {
      login,
      loginClients: this.#metadata ?? clients,
      authorize,
      isRefused: (answer) => mayAcceptAnother(answer, resource),
    });
    const isMapping = options.mapName !== undefined;
    const warnings = new Warnings();
    this.requests = new VaultRequests(new URL(options.vaultUrl).origin, resource, session);
    this.tags = new SecretTags(isMapping);
    this.reader = new SecretReader(this.requests, this.tags, warnings);
    this.#recovery = new SecretRecovery(this.requests, clients, this.tags, warnings);
    this.writer = new SecretWriter({
      requests: this.requests,
      reader: this.reader,
      recovery: this.#recovery,
      tags: this.tags,
      warnings,
    });
    this.deletion = new SecretDeletion(this.requests, this.reader, isMapping);
  }

  /** Ends the work behind failed writes, and closes the connections of the login. */
  async close(): Promise<void> {
    this.#recovery.close();
    this.#closeLogin?.();
    await this.#metadata?.close();
  }
}
