import {
  SecretManagerError,
  isSecretManagerError,
} from '../../../core/errors/secret-manager.error';
import { backoffMs } from '../../../core/time/backoff';
import { countingDown, type AgeClock } from '../../../core/time/clock';
import { run, runSync } from '../wire/steps';
import type { VaultClient } from '../wire/vault-client';
import type { VaultRequest } from '../wire/vault-request';
import type { VaultSyncClient } from '../wire/vault-sync-client';
import { credentialOf, type Credential } from './credential';
import type { Grant, VaultLogin } from './vault-login';

const TIMEOUT_MS = 10_000;
const PAUSES = { firstMs: 1_000, longestMs: 30_000 };

/**
 * Logs in, within 10 s for all requests of one login. After a refusal, logins fail with the same error for a pause
 * that grows to 30 s.
 */
export class LoginAttempts {
  readonly #client: VaultClient;
  readonly #syncClient: VaultSyncClient;
  readonly #login: VaultLogin;
  readonly #clock: AgeClock;
  #refusal: { readonly error: SecretManagerError; readonly until: number } | undefined;
  #refusals = 0;

  constructor(
    client: VaultClient,
    syncClient: VaultSyncClient,
    login: VaultLogin,
    clock: AgeClock,
  ) {
    this.#clock = clock;
    this.#client = client;
    this.#syncClient = syncClient;
    this.#login = login;
  }

  async logIn(): Promise<Credential> {
    this.assertNotRefused();
    const askedAt = this.#clock.now();
    try {
      const options = countingDown({}, TIMEOUT_MS);
      const send = (request: VaultRequest) => this.#client.send(request, options);
      const grant = await run(this.#login.logIn(), send);
      return this.recordLogin(grant, askedAt);
    } catch (error) {
      throw this.recordFailure(error);
    }
  }

  logInSync(timeoutMs = TIMEOUT_MS): Credential {
    this.assertNotRefused();
    const askedAt = this.#clock.now();
    try {
      const options = countingDown({}, Math.min(timeoutMs, TIMEOUT_MS));
      const send = (request: VaultRequest) => this.#syncClient.send(request, options);
      const grant = runSync(this.#login.logIn(), send);
      return this.recordLogin(grant, askedAt);
    } catch (error) {
      throw this.recordFailure(error);
    }
  }

  /** Fails the next logins with this error, for a pause that grows with each refusal. */
  refuse(error: SecretManagerError): void {
    this.#refusals += 1;
    this.#refusal = { error, until: this.#clock.now() + backoffMs(this.#refusals, PAUSES) };
  }

  private recordLogin(grant: Grant, askedAt: number): Credential {
    this.#refusal = undefined;
    this.#refusals = 0;
    return credentialOf(grant, askedAt);
  }

  private assertNotRefused(): void {
    if (this.#refusal && this.#clock.now() < this.#refusal.until) throw copyOf(this.#refusal.error);
  }

  private recordFailure(error: unknown): unknown {
    if (isSecretManagerError(error) && error.code === 'UNAUTHENTICATED') this.refuse(error);
    return error;
  }
}

/** Copies the error, so that each caller gets its own stack. */
function copyOf({ code, message }: SecretManagerError): SecretManagerError {
  return new SecretManagerError(code, message);
}
