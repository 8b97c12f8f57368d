import { isTransient } from '../../../core/errors/secret-manager.error';
import type { AgeClock } from '../../../core/time/clock';
import { isObject } from '../wire/vault-answer';
import { isFromVault, serverMessageOf, vaultError } from '../wire/vault-errors';
import type { Credential } from './credential';
import type { TokenApi } from './token-api';
import { Upkeep } from './upkeep';
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

const PAUSES = { firstMs: 1_000, longestMs: 30_000 };

/** The text of a 500 for a token past its maximum lifetime, or for one of another client certificate. */
const NOT_RENEWABLE = /max TTL|client identity/;

/** Keeps one token alive. Replaces one that cannot be renewed. */
export class TokenUpkeep {
  readonly #api: TokenApi;
  readonly #clock: AgeClock;
  readonly #user: TokenUser;
  #upkeep: Upkeep | undefined;

  constructor(api: TokenApi, clock: AgeClock, user: TokenUser) {
    this.#clock = clock;
    this.#api = api;
    this.#user = user;
  }

  /** Keeps this token alive instead of the previous one. */
  keep(credential: Credential, validForMs = credential.validForMs): void {
    this.stop();
    const upkeep: Upkeep = new Upkeep(this.#clock, {
      pauses: PAUSES,
      renew: () => this.renew(credential, upkeep),
      replace: () => this.replace(),
      expire: () => undefined, // the next read logs in
    });
    this.#upkeep = upkeep;
    upkeep.extend(validForMs, credential.expiresAt);
  }

  /** Keeps a given token alive. Looks up its lifetime first, and retries until the server answers. */
  keepGiven(credential: Credential): void {
    this.keep(credential);
    const upkeep = this.#upkeep;
    void upkeep?.retry(() => this.lookUpLifetime(credential, upkeep));
  }

  stop(): void {
    this.#upkeep?.stop();
    this.#upkeep = undefined;
  }

  /** A token of unknown lifetime is used as it is. */
  private async lookUpLifetime(credential: Credential, upkeep: Upkeep): Promise<void> {
    const askedAt = this.#clock.now();
    const answer = await this.#api.lookUp(credential.token);
    if (upkeep.isStopped) return;
    const failure = vaultError(answer, 'Looking at the token');
    if (isTransient(failure)) throw failure;
    const data = answer.content?.data;
    if (answer.statusCode !== 200 || !isObject(data)) return;
    const { ttl, renewable } = data;
    if (typeof ttl !== 'number' || ttl <= 0) return;
    const validForMs = ttl * 1_000;
    const isRenewable = renewable === true;
    this.extend({ ...credential, isRenewable, validForMs }, validForMs, askedAt);
  }

  /** Resolves to `false` if the token cannot be renewed, or was renewed for too short a time. */
  private async renew(credential: Credential, upkeep: Upkeep): Promise<boolean> {
    if (!credential.isRenewable) return false;
    const askedAt = this.#clock.now();
    const answer = await this.#api.renew(credential.token);
    if (upkeep.isStopped) return true;
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

  private async replace(): Promise<void> {
    if (this.#user.canReplace()) await this.#user.replace();
  }

  private extend(credential: Credential, validForMs: number, askedAt: number): void {
    const extended = { ...credential, expiresAt: askedAt + validForMs };
    this.#user.update(extended);
    this.keep(extended, validForMs);
  }
}
