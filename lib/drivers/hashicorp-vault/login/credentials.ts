import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import type { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { AgeClock } from '../../../core/time/clock';
import { waitOrBlock } from '../../http/wire/steps';
import type { Steps } from '../wire/vault-steps';
import type { VaultClients } from '../wire/vault-clients';
import { waitFor } from '../wire/waiting';
import type { Credential } from './credential';
import { GrantedTokens } from './granted-tokens';
import { LoginAttempts } from './login-attempts';
import { TokenApi } from './token-api';
import { TokenUpkeep } from './token-upkeep';
import type { VaultLogin } from './vault-login';

/**
 * Holds the credential that requests are sent with. Concurrent callers share one login. {@link TokenUpkeep} renews
 * the token in the background. A token that is no longer needed is revoked.
 */
export class Credentials {
  readonly #login: VaultLogin;
  /** The clock on which tokens and leases expire. */
  readonly clock = new AgeClock();
  readonly #logins: LoginAttempts;
  readonly #upkeep: TokenUpkeep;
  readonly #granted: GrantedTokens;
  readonly #granting = new Set<Promise<Credential>>();
  #current: Credential | undefined;
  #loggingIn: Promise<Credential> | undefined;
  #isClosed = false;

  constructor(clients: VaultClients, login: VaultLogin, namespace: string | undefined) {
    const api = new TokenApi(clients.client, namespace);
    this.#login = login;
    this.#granted = new GrantedTokens(api, this.clock);
    this.#logins = new LoginAttempts(clients, login, this.#granted, this.clock);
    this.#upkeep = new TokenUpkeep(api, this.clock, {
      update: (credential) => (this.#current = credential),
      canReplace: () => this.canLogIn,
      replace: () => this.sharedLogin(),
    });
  }

  /** The credential in use, if it has not expired. */
  get current(): Credential | undefined {
    const current = this.#current;
    return current && (this.#login.isGiven || this.clock.now() < current.expiresAt)
      ? current
      : undefined;
  }

  /** The same as {@link current}, or `undefined` if a token file must be checked first. */
  get cached(): Credential | undefined {
    return this.#login.tokenFile === undefined ? this.current : undefined;
  }

  /** Returns a more precise meaning of a denial than its status gives, if one is known. */
  get explanationOfDenial(): string | undefined {
    return this.#login.explanationOfDenial;
  }

  /** `true` if the manager can log in for a fresh token. */
  get canLogIn(): boolean {
    return !this.#login.isGiven;
  }

  /**
   * Returns the current credential, or logs in first. An asynchronous caller that is cancelled does not cancel the
   * login.
   */
  *get(options: OperationOptions): Steps<Credential> {
    const { tokenFile } = this.#login;
    const hasChanged =
      tokenFile !== undefined &&
      (yield* waitOrBlock({
        wait: () => tokenFile.hasChanged(),
        block: () => tokenFile.hasChangedSync(),
      }));
    const current = hasChanged ? undefined : this.current;
    return current ?? (yield* this.logIn(options));
  }

  /**
   * Returns the credential that replaced a refused one: from a login of another caller, or from the token file.
   */
  *replacementFor(refused: Credential, options: OperationOptions): Steps<Credential | undefined> {
    const { tokenFile } = this.#login;
    if (tokenFile !== undefined && this.current?.token === refused.token) {
      const isBeingRead = tokenFile.holdsOther(refused.token) || this.#loggingIn !== undefined;
      if (isBeingRead) yield* this.logIn(options);
    }
    return this.current?.token === refused.token ? undefined : this.current;
  }

  /**
   * Logs in without using the token. The caller must adopt or revoke the credential. A credential that comes after
   * the caller's deadline is revoked.
   */
  grant(options: OperationOptions): Steps<Credential> {
    return waitOrBlock({
      wait: async () => {
        const granting = this.requestGrant();
        try {
          return await waitFor(granting, options);
        } catch (error) {
          granting.then((late) => this.revoke(late)).catch(() => undefined);
          throw error;
        }
      },
      block: () => this.grantSync(options),
    });
  }

  /** Puts the credential into use. The previous one is revoked when its requests and its leases have ended. */
  adopt(fresh: Credential): Credential {
    if (this.#isClosed) return fresh; // `close` revokes it
    const before = this.#current;
    const isSame = before?.token === fresh.token;
    if (before !== undefined && isSame && this.#login.isGiven) return before; // same token, rewritten file
    this.#current = fresh;
    if (before !== undefined && !isSame) this.#granted.retire(before);
    if (this.#login.isGiven && fresh.token !== undefined) this.#upkeep.keepGiven(fresh);
    else this.#upkeep.keep(fresh);
    return fresh;
  }

  revoke({ token }: Credential): void {
    this.#granted.revoke(token);
  }

  /** Drops a credential that the server does not know. */
  drop({ token }: Credential): void {
    this.#granted.forget(token);
    if (this.#current?.token !== token) return;
    this.#current = undefined;
    this.#upkeep.stop();
  }

  /** Fails the next logins for a while, because the token of the last one was refused. */
  refuseLogins(error: SecretManagerError): void {
    this.#logins.refuse(error);
  }

  /** Keeps the token of a lease from being revoked. Returns the function that releases the token. */
  hold(credential: Credential): () => void {
    return this.#granted.hold(credential);
  }

  /** Tries once to revoke every token that the server granted. Waits for logins in flight first. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#upkeep.stop();
    await Promise.allSettled(this.#granting);
    this.#upkeep.stop();
    this.#current = undefined;
    await this.#granted.close();
  }

  /**
   * Logs in and uses the token. Asynchronous callers share one login. A blocking caller cannot wait for it and logs
   * in itself.
   */
  private logIn(options: OperationOptions): Steps<Credential> {
    return waitOrBlock({
      wait: () => waitFor(this.sharedLogin(), options),
      block: () => this.adopt(this.grantSync(options)),
    });
  }

  private sharedLogin(): Promise<Credential> {
    this.#loggingIn ??= this.logInOnce().finally(() => (this.#loggingIn = undefined));
    return this.#loggingIn;
  }

  private async logInOnce(): Promise<Credential> {
    const before = this.current;
    const fresh = await this.requestGrant();
    const meanwhile = this.current;
    if (meanwhile === undefined || meanwhile === before) return this.adopt(fresh);
    this.revoke(fresh); // another login finished first
    return meanwhile;
  }

  private requestGrant(): Promise<Credential> {
    const granting = this.#logins.logIn().catch((error: unknown) => this.failGrant(error));
    this.#granting.add(granting);
    return granting.finally(() => this.#granting.delete(granting));
  }

  private grantSync({ timeoutMs }: OperationOptions): Credential {
    try {
      return this.#logins.logInSync(timeoutMs);
    } catch (error) {
      return this.failGrant(error);
    }
  }

  /** Drops a given token once its replacement cannot be read. */
  private failGrant(error: unknown): never {
    if (this.#login.isGiven) this.#current = undefined;
    throw error;
  }
}
