import { settledWithin } from '../../../core/calls/waiting';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { countingDown } from '../../../core/time/clock';
import { DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import { TlsFiles } from '../../http/tls/tls-files';
import type { VaultServerOptions } from '../options/vault.options';
import { VaultClients } from '../wire/vault-clients';
import { isDeadToken, isDenial, isFromVault, vaultError } from '../wire/vault-errors';
import { SERVING, serverState } from '../wire/vault-health';
import { Credentials } from '../login/credentials';
import { VaultLogin } from '../login/vault-login';
import { VaultSession } from './vault-session';

const REVOKE_TIMEOUT_MS = 3_000;

/** The clients, the login and the session at one server. */
export class VaultConnection {
  readonly clients: VaultClients;
  readonly credentials: Credentials;
  readonly session: VaultSession;
  readonly #namespace: string | undefined;

  constructor(options: VaultServerOptions) {
    const { auth, namespace } = options;
    const { retryDeniedWithFreshLogin = auth?.method !== 'approle' } = options;
    this.#namespace = namespace;
    this.clients = new VaultClients(options, new TlsFiles(options.tls));
    const login = new VaultLogin(auth, namespace);
    this.credentials = new Credentials(this.clients, login, namespace);
    this.session = new VaultSession(this.clients, this.credentials, retryDeniedWithFreshLogin);
  }

  /**
   * Throws unless the server can serve and knows the token: `UNAVAILABLE` if it is sealed or not initialised,
   * `UNAUTHENTICATED` if it refuses the login. The token does not need the right to look itself up.
   */
  async assertHealthy(given: OperationOptions): Promise<void> {
    const options = countingDown(given, given.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const state = await serverState(this.clients.client, options);
    if (!SERVING.has(state)) {
      throw new SecretManagerError('UNAVAILABLE', `The server is ${state}.`);
    }
    const path = '/v1/auth/token/lookup-self';
    const request = { method: 'GET', path, namespace: this.#namespace, isProbe: true } as const;
    const answer = await this.session.send(request, options);
    const isDenied = isDenial(answer) && !isDeadToken(answer);
    if (isDenied || (answer.statusCode === 200 && isFromVault(answer))) return;
    throw vaultError(answer, 'Looking at the token');
  }

  /**
   * Revokes the tokens that are still held, within three seconds at most, and closes the connections.
   *
   * @param revokeFirst revokes what needs a token, in half of that time
   */
  async close(revokeFirst = (): Promise<void> => Promise.resolve()): Promise<void> {
    await settledWithin(REVOKE_TIMEOUT_MS, this.revokeGranted(revokeFirst));
    await this.clients.close();
  }

  private async revokeGranted(revokeFirst: () => Promise<void>): Promise<void> {
    await settledWithin(REVOKE_TIMEOUT_MS / 2, revokeFirst());
    await this.credentials.close();
  }
}
