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
 * Has the credential that requests go out with: one login for any number of callers, kept up in the background by
 * {@link TokenUpkeep}, and given back when it is not needed any more.
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

  /** The one in use, if the server should know it. */
  get current(): Credential | undefined {
    const current = this.#current;
    return current && (this.#login.isGiven || this.clock.now() < current.expiresAt)
      ? current
      : undefined;
  }

  /** As {@link current}, where there is no file to look at first. */
  get cached(): Credential | undefined {
    return this.#login.tokenFile === undefined ? this.current : undefined;
  }

  /** Returns the meaning of a denial, if more is known of it than its status tells. */
  get explanationOfDenial(): string | undefined {
    return this.#login.explanationOfDenial;
  }

  /** Whether a fresh one can be had for the asking. */
  get canLogIn(): boolean {
    return !this.#login.isGiven;
  }

  /** As it is, or after a login. Who ends early leaves alone. */
  async get(options: OperationOptions): Promise<Credential> {
    const hasChanged = await this.#login.tokenFile?.hasChanged();
    const current = hasChanged ? undefined : this.current;
    return current ?? (await waitFor(this.logIn(), options));
  }

  /** As `get`, blocking. A login that is under way cannot be waited for, so it makes its own; what it gets is for all. */
  getSync({ timeoutMs }: OperationOptions): Credential {
    const hasChanged = this.#login.tokenFile?.hasChangedSync();
    const current = hasChanged ? undefined : this.current;
    return current ?? this.adopt(this.grantSync(timeoutMs));
  }

  /** What there is instead of one that was refused: what others got meanwhile, or its file holds now. */
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

  /** One that nobody uses yet: it is to be adopted, or given back. */
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

  /** Puts it into use. The one before is given back when its requests and its leases have ended. */
  adopt(fresh: Credential): Credential {
    if (this.#isClosed) return fresh; // it is revoked with the others
    const before = this.#current;
    const isSame = before?.token === fresh.token;
    if (before !== undefined && isSame && this.#login.isGiven) return before; // its file was only touched
    this.#current = fresh;
    if (before !== undefined && !isSame) this.#granted.retire(before);
    this.#upkeep.keep(fresh);
    if (this.#login.isGiven && fresh.token !== undefined) void this.#upkeep.lookUpLifetime(fresh);
    return fresh;
  }

  revoke({ token }: Credential): void {
    this.#granted.revoke(token);
  }

  /** The server does not know it. */
  drop({ token }: Credential): void {
    this.#granted.forget(token);
    if (this.#current?.token !== token) return;
    this.#current = undefined;
    this.#upkeep.stop();
  }

  /** What a login brought is of no use: the next ones fail for a while as this did. */
  refuseLogins(error: SecretManagerError): void {
    this.#logins.refuse(error);
  }

  /** A lease dies with its token: that is not given back before what is returned was called. */
  hold(credential: Credential): () => void {
    return this.#granted.hold(credential);
  }

  /** Tries once to revoke every token that was granted to us, also one that is just being granted. Never rejects. */
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
    this.revoke(fresh); // somebody else was quicker
    return meanwhile;
  }

  private recordGrant(fresh: Credential): Credential {
    if (!this.#login.isGiven) this.#granted.add(fresh);
    return fresh;
  }

  /** A token does not outlive what was put in its place and cannot be read. */
  private failGrant(error: unknown): never {
    if (this.#login.isGiven) this.#current = undefined;
    throw error;
  }
}
