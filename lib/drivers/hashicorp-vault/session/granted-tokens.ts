import { startTimer, type AgeClock } from '../../../core/time/clock';
import type { Credential } from './credential';
import type { TokenApi } from './token-api';

type Token = Credential['token'];

interface GrantedToken {
  readonly token: Token;
  /** How many leases live by it. */
  leases: number;
  stopTimer: () => void;
}

/** Longer than a request takes, so that those that are under way end well. */
const RETIRED_FOR_MS = 60_000;

/** The tokens that the server granted to us, each until it is revoked. `close` tries to revoke all that are left. */
export class GrantedTokens {
  readonly #api: TokenApi;
  readonly #clock: AgeClock;
  readonly #granted = new Map<Token, GrantedToken>();

  constructor(api: TokenApi, clock: AgeClock) {
    this.#clock = clock;
    this.#api = api;
  }

  add({ token }: Credential): void {
    this.#granted.set(token, { token, leases: 0, stopTimer: () => undefined });
  }

  /** A lease dies with its token: it is not given back before what is returned was called. */
  hold({ token }: Credential): () => void {
    const held = this.#granted.get(token);
    if (held === undefined) return () => undefined;
    held.leases += 1;
    return () => (held.leases -= 1);
  }

  /** Is not used for anything new: it is given back when its requests and its leases have ended. */
  retire({ token, expiresAt }: Credential): void {
    const retired = this.#granted.get(token);
    if (retired === undefined) return;
    if (this.#clock.now() >= expiresAt) return this.forget(token);
    this.revokeWhenUnused(retired);
  }

  /** Nobody uses it. */
  revoke(token: Token): void {
    if (!this.#granted.has(token)) return;
    this.forget(token);
    this.#api.revoke(token).catch(() => undefined); // it ends by itself, too
  }

  /** The server knows it no more. */
  forget(token: Token): void {
    this.#granted.get(token)?.stopTimer();
    this.#granted.delete(token);
  }

  /** Never rejects. */
  async close(): Promise<void> {
    const tokens = [...this.#granted.keys()];
    for (const token of tokens) this.forget(token);
    await Promise.allSettled(tokens.map((token) => this.#api.revoke(token)));
  }

  private revokeWhenUnused(retired: GrantedToken): void {
    const look = (): void =>
      retired.leases > 0 ? this.revokeWhenUnused(retired) : this.revoke(retired.token);
    retired.stopTimer = startTimer(look, RETIRED_FOR_MS, { keepsAlive: false });
  }
}
