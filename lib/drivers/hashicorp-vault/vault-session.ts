import { onCancelled } from '../../core/cancellation';
import { countingDown, now, startTimer } from '../../core/clock';
import type { OperationOptions } from '../../core/custom-secret-manager';
import {
  SecretManagerError,
  isSecretManagerError,
  isTransient,
} from '../../core/secret-manager.error';
import { isObject, type VaultAnswer } from './exchange';
import { grantOf, type Grant, type VaultLogin } from './vault-login';
import { isDeadToken, sayingsOf, vaultError } from './vault-errors';
import type { VaultClient, VaultRequest } from './vault-client';
import type { VaultSyncClient } from './vault-sync-client';
import { carry, carrySync } from './vault-talk';

/** A token in use. */
export interface Credential {
  readonly token: string;
  /** When the server forgets it, unless it is renewed. On the clock of `now()`; `Infinity` if never, or not known. */
  readonly expiresAt: number;
  readonly isRenewable: boolean;
  /** For how long it was valid when it was new. */
  readonly validForMs: number;
}

const LOGIN_TIMEOUT_MS = 10_000;
const RENEWED_AT = 2 / 3;
const JITTER = 0.1;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** A denial that a fresh token does not cure must not become a login per read. */
const CURE_INTERVAL_MS = 30_000;
const REVOKE_TIMEOUT_MS = 1_500;
const DENIED: ReadonlySet<number> = new Set([401, 403]);
const CONTEXT = { manager: 'hashicorp-vault', operation: 'login' };

/**
 * Keeps a token that the server knows: one login for any number of callers, renewed in the background before it expires,
 * made anew where it cannot be renewed or was revoked. A login that is refused is not repeated per read.
 */
export class VaultSession {
  readonly #client: VaultClient;
  readonly #syncClient: VaultSyncClient;
  readonly #login: VaultLogin;
  readonly #namespace: string | undefined;
  #current: Credential | undefined;
  #loggingIn: Promise<Credential> | undefined;
  #refusal: { readonly error: SecretManagerError; readonly until: number } | undefined;
  #refusals = 0;
  #lastCureAt = -Infinity;
  #stopTimer = (): void => undefined;
  #isClosed = false;

  constructor(
    client: VaultClient,
    syncClient: VaultSyncClient,
    login: VaultLogin,
    namespace: string | undefined,
  ) {
    this.#client = client;
    this.#syncClient = syncClient;
    this.#login = login;
    this.#namespace = namespace;
  }

  /** The credential that requests go out with, if there is one that the server should know. */
  get current(): Credential | undefined {
    const current = this.#current;
    return current && (this.#login.isGiven || now() < current.expiresAt) ? current : undefined;
  }

  /** As {@link current}, where there is no file to look at first. */
  private get atHand(): Credential | undefined {
    return this.#login.tokenFile === undefined ? this.current : undefined;
  }

  /**
   * Sends a request with the token. A refusal that a fresh token may cure is tried once more with one; what comes of that
   * is the answer.
   */
  async send(request: VaultRequest, options: OperationOptions): Promise<VaultAnswer> {
    const credential = this.atHand ?? (await this.credential(options));
    const answer = await this.#client.send(withToken(request, credential), options);
    const cure = this.cureOf(answer, credential);
    const replacement = cure === 'login' ? await this.logIn().catch(unlessItStands(answer)) : cure;
    if (replacement === undefined || replacement.token === credential.token) return answer;
    return this.judged(await this.#client.send(withToken(request, replacement), options));
  }

  /** As `send`, blocking. A login that is under way cannot be waited for, so it makes its own; what it gets is for all. */
  sendSync(request: VaultRequest, options: OperationOptions): VaultAnswer {
    const credential = this.credentialSync(options);
    const answer = this.#syncClient.send(withToken(request, credential), options);
    const cure = this.cureOf(answer, credential);
    const replacement = cure === 'login' ? this.cureSync(answer, options) : cure;
    if (replacement === undefined || replacement.token === credential.token) return answer;
    return this.judged(this.#syncClient.send(withToken(request, replacement), options));
  }

  /** As it is, or after a login. Any number of callers make one login, and who ends early leaves alone. */
  async credential(options: OperationOptions): Promise<Credential> {
    const { tokenFile } = this.#login;
    if (tokenFile !== undefined && (await tokenFile.hasChanged())) this.#current = undefined;
    return this.current ?? (await unlessCancelled(this.logIn(), options));
  }

  private credentialSync(options: OperationOptions): Credential {
    if (this.#login.tokenFile?.hasChangedSync()) this.#current = undefined;
    return this.current ?? this.logInSync(options);
  }

  /** Tells the server that tokens are not needed any more, those that it granted to us. Never rejects. */
  async close(others: Iterable<Credential>): Promise<void> {
    this.#isClosed = true;
    this.#stopTimer();
    const tokens = new Set([this.current, ...others].map((credential) => credential?.token));
    this.#current = undefined;
    if (this.#login.isGiven) return;
    await Promise.allSettled(
      [...tokens].map(async (token) => {
        if (token !== undefined) await this.post('revoke-self', token, REVOKE_TIMEOUT_MS);
      }),
    );
  }

  private logIn(): Promise<Credential> {
    this.#loggingIn ??= this.logInOnce().finally(() => (this.#loggingIn = undefined));
    return this.#loggingIn;
  }

  private async logInOnce(): Promise<Credential> {
    this.assertNotRefused();
    const before = this.current;
    const askedAt = now();
    try {
      const options = { timeoutMs: LOGIN_TIMEOUT_MS };
      const send = (request: VaultRequest) => this.#client.send(request, options);
      const grant = await carry(this.#login.logIn(), send);
      const meanwhile = this.current;
      if (meanwhile === undefined || meanwhile === before) return this.accept(grant, askedAt);
      this.giveBack(grant); // a synchronous login was quicker
      return meanwhile;
    } catch (error) {
      throw this.noted(error);
    }
  }

  private logInSync({ timeoutMs = LOGIN_TIMEOUT_MS }: OperationOptions): Credential {
    this.assertNotRefused();
    const options = countingDown({}, Math.min(timeoutMs, LOGIN_TIMEOUT_MS));
    const askedAt = now();
    try {
      const send = (request: VaultRequest) => this.#syncClient.send(request, options);
      return this.accept(carrySync(this.#login.logIn(), send), askedAt);
    } catch (error) {
      throw this.noted(error);
    }
  }

  private assertNotRefused(): void {
    if (this.#refusal && now() < this.#refusal.until) throw again(this.#refusal.error);
  }

  private accept(grant: Grant, askedAt: number): Credential {
    const credential = this.adopt(grant, askedAt);
    this.#refusal = undefined;
    this.#refusals = 0;
    if (this.#login.isGiven) void this.learn(credential);
    return credential;
  }

  private noted(error: unknown): unknown {
    if (isSecretManagerError(error) && error.code === 'UNAUTHENTICATED') this.refuse(error);
    return error;
  }

  private giveBack({ token }: Grant): void {
    if (this.#login.isGiven) return;
    this.post('revoke-self', token, REVOKE_TIMEOUT_MS).catch(() => undefined); // it ends by itself, too
  }

  /** The server counts from some moment after it was asked, so that no token is used too long. */
  private adopt({ token, validForMs, isRenewable }: Grant, askedAt: number): Credential {
    const expiresAt = askedAt + validForMs;
    const credential = { token, expiresAt, isRenewable, validForMs };
    this.#current = credential;
    this.plan(credential, validForMs * RENEWED_AT * (1 - JITTER * Math.random()));
    return credential;
  }

  private refuse(error: SecretManagerError): void {
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#refusals);
    this.#refusals += 1;
    this.#refusal = { error, until: now() + pauseMs };
  }

  /** Of a token that was given, the server may tell how long it lasts; where it does not, the token is used as it is. */
  private async learn(credential: Credential): Promise<void> {
    const askedAt = now();
    try {
      const { statusCode, content } = await this.ask('GET', 'lookup-self', credential.token);
      const data = content?.data;
      if (statusCode !== 200 || !isObject(data) || this.#current !== credential) return;
      const { ttl, renewable } = data;
      if (typeof ttl !== 'number' || ttl <= 0) return;
      const isRenewable = renewable === true;
      this.adopt({ token: credential.token, validForMs: ttl * 1_000, isRenewable }, askedAt);
    } catch {
      // the store cannot be asked; whoever reads will be told
    }
  }

  /** What may cure a refusal: what somebody else got meanwhile, or a login; `undefined` if neither may. */
  private cureOf(answer: VaultAnswer, { token }: Credential): Credential | 'login' | undefined {
    if (!DENIED.has(answer.statusCode)) return undefined;
    if (this.current !== undefined && this.current.token !== token) return this.current;
    if (this.#login.isGiven) return this.#login.tokenFile && 'login';
    if (isDeadToken(answer)) {
      this.#current = undefined;
      return 'login';
    }
    if (this.#loggingIn === undefined) {
      if (now() < this.#lastCureAt + CURE_INTERVAL_MS) return undefined;
      this.#lastCureAt = now();
    }
    return 'login';
  }

  private cureSync(answer: VaultAnswer, options: OperationOptions): Credential | undefined {
    try {
      return this.logInSync(options);
    } catch (error) {
      return unlessItStands(answer)(error);
    }
  }

  /** A fresh token that is dead is the login's fault. */
  private judged(answer: VaultAnswer): VaultAnswer {
    if (isDeadToken(answer)) this.refuse(vaultError(answer, 'The login'));
    return answer;
  }

  private plan(credential: Credential, delayMs: number, pauseMs = FIRST_PAUSE_MS): void {
    this.#stopTimer();
    if (delayMs === Infinity || this.#isClosed) return;
    const maintain = (): void => void this.maintain(credential, pauseMs);
    this.#stopTimer = startTimer(maintain, delayMs, { keepsAlive: false });
  }

  /** Renews the token, or gets another one while it still lives. An outage is waited out, as long as the token lasts. */
  private async maintain(credential: Credential, pauseMs: number): Promise<void> {
    if (this.#current !== credential || this.#isClosed) return;
    try {
      const renewed = credential.isRenewable ? await this.renew(credential) : undefined;
      if (renewed === undefined && !this.#login.isGiven) await this.logIn();
    } catch (error) {
      const remainingMs = credential.expiresAt - now();
      if (this.#current !== credential || remainingMs <= 0) return; // who reads next logs in
      const delayMs = Math.min(isTransient(error) ? pauseMs : LONGEST_PAUSE_MS, remainingMs / 2);
      this.plan(credential, Math.max(delayMs, 100), Math.min(pauseMs * 2, LONGEST_PAUSE_MS));
    }
  }

  /** Resolves to nothing if the token has come to its end: it cannot be renewed, or for too short a time. */
  private async renew(credential: Credential): Promise<Credential | undefined> {
    const askedAt = now();
    const answer = await this.post('renew-self', credential.token, LOGIN_TIMEOUT_MS);
    const auth = answer.content?.auth;
    if (answer.statusCode === 200 && isObject(auth)) {
      const { validForMs } = grantOf(auth);
      if (this.#current !== credential) return this.#current;
      const isEnding = validForMs < credential.validForMs / 2;
      if (isEnding && !this.#login.isGiven) return undefined;
      return this.extend(credential, validForMs, askedAt);
    }
    const isOver = answer.statusCode < 500 || sayingsOf(answer).includes('max TTL');
    if (isOver && answer.statusCode !== 429) return undefined;
    throw vaultError(answer, 'Renewing the token');
  }

  /** Leases are held by the credential that they were granted to, which goes on living under the same token. */
  private extend(credential: Credential, validForMs: number, askedAt: number): Credential {
    const extended = { ...credential, expiresAt: askedAt + validForMs };
    this.#current = extended;
    this.plan(extended, validForMs * RENEWED_AT * (1 - JITTER * Math.random()));
    return extended;
  }

  private post(action: string, token: string, timeoutMs: number): Promise<VaultAnswer> {
    return this.ask('POST', action, token, timeoutMs);
  }

  private ask(
    method: 'GET' | 'POST',
    action: string,
    token: string,
    timeoutMs = LOGIN_TIMEOUT_MS,
  ): Promise<VaultAnswer> {
    const content = method === 'POST' ? {} : undefined;
    const namespace = this.#namespace;
    const path = `/v1/auth/token/${action}`;
    return this.#client.send({ method, path, token, namespace, content }, { timeoutMs });
  }
}

async function unlessCancelled<Outcome>(
  outcome: Promise<Outcome>,
  options: OperationOptions,
): Promise<Outcome> {
  let stopListening = (): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    stopListening = onCancelled(options, CONTEXT, reject);
  });
  return await Promise.race([outcome, ended]).finally(stopListening);
}

/** An error of its own for each who is told, with a stack of its own. */
function again({ code, message }: SecretManagerError): SecretManagerError {
  return new SecretManagerError(code, message);
}

function withToken(request: VaultRequest, { token }: Credential): VaultRequest {
  return { ...request, token };
}

/** Where the server knows the token and denies the path, its answer stands, whatever becomes of another login. */
function unlessItStands(answer: VaultAnswer): (error: unknown) => undefined {
  return (error) => {
    if (isDeadToken(answer)) throw error;
  };
}
