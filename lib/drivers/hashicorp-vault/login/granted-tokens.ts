import { BackgroundTimer } from '../../../core/time/background-timer';
import type { AgeClock } from '../../../core/time/clock';
import type { Credential } from './credential';
import type { TokenApi } from './token-api';

type Token = Credential['token'];

interface GrantedToken {
  readonly token: Token;
  /** The number of leases that end with this token. */
  leases: number;
  readonly timer: BackgroundTimer;
}

/** Longer than a request takes, so that requests in flight can end. */
const RETIRED_FOR_MS = 60_000;

/** The tokens that the server granted to the manager and that are not revoked yet. */
export class GrantedTokens {
  readonly #api: TokenApi;
  readonly #clock: AgeClock;
  readonly #granted = new Map<Token, GrantedToken>();

  constructor(api: TokenApi, clock: AgeClock) {
    this.#clock = clock;
    this.#api = api;
  }

  add({ token }: Credential): void {
    this.#granted.set(token, { token, leases: 0, timer: new BackgroundTimer() });
  }

  /** Keeps the token of a lease from being revoked. Returns the function that releases the token. */
  hold({ token }: Credential): () => void {
    const held = this.#granted.get(token);
    if (held === undefined) return () => undefined;
    held.leases += 1;
    return () => (held.leases -= 1);
  }

  /** Revokes the token when its requests and its leases have ended. */
  retire({ token, expiresAt }: Credential): void {
    const retired = this.#granted.get(token);
    if (retired === undefined) return;
    if (this.#clock.now() >= expiresAt) return this.forget(token);
    this.revokeWhenUnused(retired);
  }

  /** Revokes a token that no request and no lease uses. */
  revoke(token: Token): void {
    if (!this.#granted.has(token)) return;
    this.forget(token);
    this.#api.revoke(token).catch(() => undefined); // the token expires by itself
  }

  /** Removes a token that has expired or was revoked. */
  forget(token: Token): void {
    this.#granted.get(token)?.timer.stop();
    this.#granted.delete(token);
  }

  /** Tries once to revoke all remaining tokens. Never rejects. */
  async close(): Promise<void> {
    const tokens = [...this.#granted.keys()];
    for (const token of tokens) this.forget(token);
    await Promise.allSettled(tokens.map((token) => this.#api.revoke(token)));
  }

  private revokeWhenUnused(retired: GrantedToken): void {
    const look = (): void =>
      retired.leases > 0 ? this.revokeWhenUnused(retired) : this.revoke(retired.token);
    retired.timer.set(look, RETIRED_FOR_MS);
  }
}
