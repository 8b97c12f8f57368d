import type { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { countingDown, type AgeClock } from '../../../core/time/clock';
import { RefusedLogins } from '../../http/login/refused-logins';
import type { VaultClients } from '../wire/vault-clients';
import type { Steps } from '../wire/vault-steps';
import { credentialOf, type Credential } from './credential';
import type { GrantedTokens } from './granted-tokens';
import type { VaultLogin } from './vault-login';

const TIMEOUT_MS = 10_000;

/**
 * Logs in, within 10 s for all requests of one login. After a refusal, logins fail with the same error for a pause
 * that grows to 30 s.
 */
export class LoginAttempts {
  readonly #clients: VaultClients;
  readonly #login: VaultLogin;
  readonly #granted: GrantedTokens;
  readonly #clock: AgeClock;
  readonly #refused: RefusedLogins;

  constructor(clients: VaultClients, login: VaultLogin, granted: GrantedTokens, clock: AgeClock) {
    this.#clock = clock;
    this.#granted = granted;
    this.#clients = clients;
    this.#login = login;
    this.#refused = new RefusedLogins(clock);
  }

  logIn(): Promise<Credential> {
    return this.#clients.run(this.attempt(), countingDown({}, TIMEOUT_MS));
  }

  logInSync(timeoutMs = TIMEOUT_MS): Credential {
    const options = countingDown({}, Math.min(timeoutMs, TIMEOUT_MS));
    return this.#clients.runSync(this.attempt(), options);
  }

  /** Fails the next logins with this error, for a pause that grows with each refusal. */
  refuse(error: SecretManagerError): void {
    this.#refused.record(error);
  }

  private *attempt(): Steps<Credential> {
    this.#refused.assertOver();
    const askedAt = this.#clock.now();
    try {
      const grant = yield* this.#login.logIn();
      const fresh = credentialOf(grant, askedAt);
      if (!this.#login.isGiven) this.#granted.add(fresh);
      return fresh;
    } catch (error) {
      this.#refused.recordFailure(error);
      throw error;
    }
  }
}
