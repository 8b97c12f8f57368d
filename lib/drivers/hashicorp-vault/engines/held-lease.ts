import { isTransient } from '../../../core/errors/secret-manager.error';
import type { AgeClock } from '../../../core/time/clock';
import type { Credential } from '../login/credential';
import { Upkeep } from '../login/upkeep';
import type { Steps } from '../wire/vault-steps';
import type { VaultClients } from '../wire/vault-clients';
import { isDeadToken, isFromVault, vaultError } from '../wire/vault-errors';
import type { VaultRequest } from '../wire/vault-request';
import type { GrantedLease } from './lease';

/** The circumstances of a lease. */
export interface LeaseTerms {
  readonly key: string;
  readonly namespace: string | undefined;
  /** The credential that requested the lease. The lease ends with its token. */
  readonly credential: Credential;
  /** The time before the request. The lifetime counts from it, so no expired lease is held. */
  readonly askedAt: number;
  /** Releases the token, which may be revoked from then on. */
  readonly release: () => void;
  /** Drops the lease, because it has expired or the server does not know it. */
  readonly drop: (lease: HeldLease) => void;
}

const PAUSES = { firstMs: 5_000, longestMs: 5_000 };
export const RENEWAL = { timeoutMs: 10_000 };
const REVOCATION = { timeoutMs: 3_000 };

/** A lease that is held for all readers, and renewed in the background until the server ends it. */
export class HeldLease {
  readonly #clients: VaultClients;
  readonly #clock: AgeClock;
  readonly #granted: GrantedLease;
  readonly #terms: LeaseTerms;
  readonly #upkeep: Upkeep;
  #isEnding = false;

  constructor(clients: VaultClients, clock: AgeClock, granted: GrantedLease, terms: LeaseTerms) {
    this.#clients = clients;
    this.#clock = clock;
    this.#granted = granted;
    this.#terms = terms;
    this.#upkeep = new Upkeep(clock, {
      pauses: PAUSES,
      renew: () => this.renewInBackground(),
      replace: () => this.#upkeep.end(), // the next read gets another lease
      expire: () => terms.drop(this),
    });
    this.#upkeep.extend(granted.durationMs, terms.askedAt + granted.durationMs);
  }

  get key(): string {
    return this.#terms.key;
  }

  get fields(): GrantedLease['fields'] {
    return this.#granted.fields;
  }

  get credential(): Credential {
    return this.#terms.credential;
  }

  get expiresAt(): number {
    return this.#upkeep.expiresAt;
  }

  /** `true` if the manager knows without the server that the next read needs another lease. */
  private get isOver(): boolean {
    const { isRenewable, durationMs } = this.#granted;
    return this.#isEnding || (!isRenewable && this.#upkeep.remainingMs <= durationMs / 2);
  }

  /** Returns whether the lease may be used again. Renews the lease first, which detects a revoked one. */
  *revalidate(): Steps<boolean> {
    if (this.isOver) return false;
    if (this.#granted.isRenewable) yield* this.renew();
    return !this.#isEnding;
  }

  /** Renews the lease no more, because another one follows. Its readers may still use it. */
  markEnding(): void {
    this.#isEnding = true;
  }

  /** Stops the upkeep, and releases the token. */
  stop(): void {
    this.#upkeep.stop();
    this.#terms.release();
  }

  async revoke(): Promise<void> {
    await this.#clients.client.send(this.request('revoke', { sync: true }), REVOCATION);
  }

  private async renewInBackground(): Promise<boolean> {
    if (!this.#granted.isRenewable || this.#isEnding) return false;
    await this.#clients.run(this.renew(), RENEWAL);
    return true;
  }

  /**
   * Renews the lease. Marks it as ending if the server refuses, or renews it for too short a time. Throws if the
   * server cannot answer.
   */
  private *renew(): Steps<void> {
    const { durationMs } = this.#granted;
    const askedAt = this.#clock.now();
    const answer = yield this.request('renew', { increment: Math.ceil(durationMs / 1_000) });
    if (this.#upkeep.isStopped) return;
    const seconds = answer.content?.lease_duration;
    if (answer.statusCode === 200 && typeof seconds === 'number') {
      const validForMs = seconds * 1_000;
      this.#isEnding = validForMs < durationMs / 2;
      this.#upkeep.extend(validForMs, askedAt + validForMs);
      if (this.#isEnding) this.#upkeep.end();
      return;
    }
    const error = vaultError(answer, 'Renewing a lease');
    if (isTransient(error) || !isFromVault(answer)) throw error;
    this.#isEnding = true;
    const isDead = answer.statusCode === 400 || isDeadToken(answer); // the lease is unknown, or ended with its token
    if (isDead) this.#terms.drop(this);
    else this.#upkeep.end();
  }

  private request(action: string, more: object): VaultRequest {
    const { namespace, credential } = this.#terms;
    const path = `/v1/sys/leases/${action}`;
    const content = { lease_id: this.#granted.id, ...more };
    return { method: 'PUT', path, token: credential.token, namespace, content };
  }
}
