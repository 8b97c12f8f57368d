import { isTransient } from '../../../core/errors/secret-manager.error';
import { backoffMs } from '../../../core/time/backoff';
import { startTimer, type AgeClock } from '../../../core/time/clock';
import { isObject } from '../wire/request-handler';
import { isFromVault, serverMessageOf, vaultError } from '../wire/vault-errors';
import type { Credential } from './credential';
import type { TokenApi } from './token-api';
import { grantOf } from './vault-login';

/** The user of the token that is kept alive. */
export interface TokenUser {
  /** Continues with the same token, after its lifetime was extended or looked up. */
  update(credential: Credential): void;
  /** Returns whether the user can log in for another token. */
  canReplace(): boolean;
  /** Logs in for another token while the old one still lives, and keeps that one alive. */
  replace(): Promise<unknown>;
}

const RENEWED_AT = 2 / 3;
const JITTER = 0.1;
const PAUSES = { firstMs: 1_000, longestMs: 30_000 };
const SHORTEST_PAUSE_MS = 100;

/** The text of a 500 for a token past its maximum lifetime, or for one of another client certificate. */
const NOT_RENEWABLE = /max TTL|client identity/;

/**
 * Keeps one token alive in the background. Renews the token before it expires, and replaces one that cannot be
 * renewed.
 */
export class TokenUpkeep {
  readonly #api: TokenApi;
  readonly #clock: AgeClock;
  readonly #user: TokenUser;
  #kept: Credential | undefined;
  #stopTimer = (): void => undefined;

  constructor(api: TokenApi, clock: AgeClock, user: TokenUser) {
    this.#clock = clock;
    this.#api = api;
    this.#user = user;
  }

  /** Keeps this token alive instead of the previous one. */
  keep(credential: Credential, validForMs = credential.validForMs): void {
    this.#kept = credential;
    const delayMs = validForMs * RENEWED_AT * (1 - JITTER * Math.random());
    this.schedule(() => this.maintain(credential), delayMs);
  }

  stop(): void {
    this.#kept = undefined;
    this.#stopTimer();
  }

  /**
   * Looks up the lifetime of a given token, and retries until the server answers. A token of unknown lifetime is
   * used as it is.
   */
  async lookUpLifetime(credential: Credential, failures = 1): Promise<void> {
    const askedAt = this.#clock.now();
    const answer = await this.#api.lookUp(credential.token).catch(() => undefined);
    if (this.#kept !== credential) return;
    if (answer === undefined || isTransient(vaultError(answer, 'Looking at the token'))) {
      return this.schedule(
        () => this.lookUpLifetime(credential, failures + 1),
        backoffMs(failures, PAUSES),
      );
    }
    const data = answer.content?.data;
    if (answer.statusCode !== 200 || !isObject(data)) return;
    const { ttl, renewable } = data;
    if (typeof ttl !== 'number' || ttl <= 0) return;
    const validForMs = ttl * 1_000;
    const isRenewable = renewable === true;
    this.extend({ ...credential, isRenewable, validForMs }, validForMs, askedAt);
  }

  private schedule(act: () => Promise<void>, delayMs: number): void {
    this.#stopTimer();
    if (delayMs === Infinity) return;
    this.#stopTimer = startTimer(() => void act(), delayMs, { keepsAlive: false });
  }

  /** Renews or replaces the token. Retries through an outage until the token expires. */
  private async maintain(credential: Credential, failures = 1): Promise<void> {
    if (this.#kept !== credential) return;
    try {
      const isRenewed = credential.isRenewable && (await this.renew(credential));
      if (isRenewed || this.#kept !== credential) return;
      if (this.#user.canReplace()) await this.#user.replace();
    } catch (error) {
      const remainingMs = credential.expiresAt - this.#clock.now();
      if (this.#kept !== credential || remainingMs <= 0) return; // the next read logs in
      const pauseMs = isTransient(error) ? backoffMs(failures, PAUSES) : PAUSES.longestMs;
      const delayMs = Math.min(pauseMs, remainingMs / 2);
      const retry = (): Promise<void> => this.maintain(credential, failures + 1);
      this.schedule(retry, Math.max(delayMs, SHORTEST_PAUSE_MS));
    }
  }

  /** Resolves to `false` if the token cannot be renewed, or was renewed for too short a time. */
  private async renew(credential: Credential): Promise<boolean> {
    const askedAt = this.#clock.now();
    const answer = await this.#api.renew(credential.token);
    if (this.#kept !== credential) return true;
    const auth = answer.content?.auth;
    if (answer.statusCode === 200 && isObject(auth)) {
      const { validForMs } = grantOf(auth);
      const isEnding = validForMs < credential.validForMs / 2;
      if (isEnding && this.#user.canReplace()) return false;
      this.extend(credential, validForMs, askedAt);
      return true;
    }
    if (!isFromVault(answer)) throw vaultError(answer, 'Renewing the token');
    const isOver = answer.statusCode < 500 || NOT_RENEWABLE.test(serverMessageOf(answer));
    if (isOver && answer.statusCode !== 429) return false;
    throw vaultError(answer, 'Renewing the token');
  }

  private extend(credential: Credential, validForMs: number, askedAt: number): void {
    const extended = { ...credential, expiresAt: askedAt + validForMs };
    this.#user.update(extended);
    this.keep(extended, validForMs);
  }
}
