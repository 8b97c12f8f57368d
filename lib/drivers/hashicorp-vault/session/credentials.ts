import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import type { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { AgeClock } from '../../../core/time/clock';
import type { VaultClient } from '../wire/vault-client';
import type { VaultSyncClient } from '../wire/vault-sync-client';
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

  constructor(
    client: VaultClient,
    syncClient: VaultSyncClient,
    login: VaultLogin,
    namespace: string | undefined,
  ) {
    const api = new TokenApi(client, namespace);
    this.#login = login;
    this.#logins = new LoginAttempts(client, syncClient, login, this.clock);
    this.#granted = new GrantedTokens(api, this.clock);
    this.#upkeep = new TokenUpkeep(api, this.clock, {
      update: (credential) => (this.#current = credential),
      canReplace: () => this.canLogIn,
      replace: () => this.logIn(),
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

  /** Resolves to the current credential, or logs in first. A caller that is cancelled does not cancel the login. */
  async get(options: OperationOptions): Promise<Credential> {
    const hasChanged = await this.#login.tokenFile?.hasChanged();
    const current = hasChanged ? undefined : this.current;
    return current ?? (await waitFor(this.logIn(), options));
  }

  /**
   * The blocking form of `get`. A login in flight cannot be awaited, so this call makes its own. All callers then
   * use its token.
   */
  getSync({ timeoutMs }: OperationOptions): Credential {
    const hasChanged = this.#login.tokenFile?.hasChangedSync();
    const current = hasChanged ? undefined : this.current;
    return current ?? this.adopt(this.grantSync(timeoutMs));
  }

  /**
   * Resolves to the credential that replaced a refused one: from a login of another caller, or from the token file.
   */
  async replacementFor(
    refused: Credential,
    options: OperationOptions,
  ): Promise<Credential | undefined> {
    const { tokenFile } = this.#login;
    if (tokenFile !== undefined && this.current?.token === refused.token) {
      const isBeingRead = tokenFile.holdsOther(refused.token) || this.#loggingIn !== undefined;
      if (isBeingRead) await waitFor(this.logIn(), options);
    }
    return this.current?.token === refused.token ? undefined : this.current;
  }

  replacementForSync(refused: Credential, { timeoutMs }: OperationOptions): Credential | undefined {
    const { tokenFile } = this.#login;
    const isInUse = this.current?.token === refused.token;
    if (isInUse && tokenFile?.holdsOther(refused.token)) this.adopt(this.grantSync(timeoutMs));
    return this.current?.token === refused.token ? undefined : this.current;
  }

  /** Logs in without using the token. The caller must adopt or revoke the credential. */
  grant(): Promise<Credential> {
    const granting = this.#logins.logIn().then(
      (fresh) => this.recordGrant(fresh),
      (error: unknown) => this.failGrant(error),
    );
    this.#granting.add(granting);
    return granting.finally(() => this.#granting.delete(granting));
  }

  grantSync(timeoutMs: number | undefined): Credential {
    try {
      return this.recordGrant(this.#logins.logInSync(timeoutMs));
    } catch (error) {
      return this.failGrant(error);
    }
  }

  /** Puts the credential into use. The previous one is revoked when its requests and its leases have ended. */
  adopt(fresh: Credential): Credential {
    if (this.#isClosed) return fresh; // `close` revokes it
    const before = this.#current;
    const isSame = before?.token === fresh.token;
    if (before !== undefined && isSame && this.#login.isGiven) return before; // same token, rewritten file
    this.#current = fresh;
    if (before !== undefined && !isSame) this.#granted.retire(before);
    this.#upkeep.keep(fresh);
    if (this.#login.isGiven && fresh.token !== undefined) void this.#upkeep.lookUpLifetime(fresh);
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

  private logIn(): Promise<Credential> {
    this.#loggingIn ??= this.logInOnce().finally(() => (this.#loggingIn = undefined));
    return this.#loggingIn;
  }

  private async logInOnce(): Promise<Credential> {
    const before = this.current;
    const fresh = await this.grant();
    const meanwhile = this.current;
    if (meanwhile === undefined || meanwhile === before) return this.adopt(fresh);
    this.revoke(fresh); // another login finished first
    return meanwhile;
  }

  private recordGrant(fresh: Credential): Credential {
    if (!this.#login.isGiven) this.#granted.add(fresh);
    return fresh;
  }

  /** Drops a given token once its replacement cannot be read. */
  private failGrant(error: unknown): never {
    if (this.#login.isGiven) this.#current = undefined;
    throw error;
  }
}
