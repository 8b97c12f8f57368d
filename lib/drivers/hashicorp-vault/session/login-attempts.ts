import {
  SecretManagerError,
  isSecretManagerError,
} from '../../../core/errors/secret-manager.error';
import { backoffMs } from '../../../core/time/backoff';
import { countingDown, type AgeClock } from '../../../core/time/clock';
import type { Steps } from '../wire/steps';
import type { VaultClients } from '../wire/vault-clients';
import { credentialOf, type Credential } from './credential';
import type { GrantedTokens } from './granted-tokens';
import type { VaultLogin } from './vault-login';

const TIMEOUT_MS = 10_000;
const PAUSES = { firstMs: 1_000, longestMs: 30_000 };

/**
 * Logs in, within 10 s for all requests of one login. After a refusal, logins fail with the same error for a pause
 * that grows to 30 s.
 */
export class LoginAttempts {
  readonly #clients: VaultClients;
  readonly #login: VaultLogin;
  readonly #granted: GrantedTokens;
  readonly #clock: AgeClock;
  #refusal: { readonly error: SecretManagerError; readonly until: number } | undefined;
  #refusals = 0;

  constructor(clients: VaultClients, login: VaultLogin, granted: GrantedTokens, clock: AgeClock) {
    this.#clock = clock;
    this.#granted = granted;
    this.#clients = clients;
    this.#login = login;
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
    this.#refusals += 1;
    this.#refusal = { error, until: this.#clock.now() + backoffMs(this.#refusals, PAUSES) };
  }

  private *attempt(): Steps<Credential> {
    this.assertNotRefused();
    const askedAt = this.#clock.now();
    try {
      const grant = yield* this.#login.logIn();
      this.#refusal = undefined;
      this.#refusals = 0;
      const fresh = credentialOf(grant, askedAt);
      if (!this.#login.isGiven) this.#granted.add(fresh);
      return fresh;
    } catch (error) {
      if (isSecretManagerError(error) && error.code === 'UNAUTHENTICATED') this.refuse(error);
      throw error;
    }
  }

  private assertNotRefused(): void {
    if (this.#refusal && this.#clock.now() < this.#refusal.until) throw copyOf(this.#refusal.error);
  }
}

/** Copies the error, so that each caller gets its own stack. */
function copyOf({ code, message }: SecretManagerError): SecretManagerError {
  return new SecretManagerError(code, message);
}
