import { CANCELLATION } from '../../../core/calls/cancellation';
import { SharedCall } from '../../../core/calls/shared-call';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { isTransient } from '../../../core/errors/secret-manager.error';
import { startTimer, type AgeClock } from '../../../core/time/clock';
import { Deadlines } from '../../../core/time/deadlines';
import { DAY_MS, DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import type { VaultCall } from '../options/vault-call';
import type { AuthorizedAnswer, Credential } from '../session/credential';
import type { Credentials } from '../session/credentials';
import type { VaultAnswer } from '../wire/request-handler';
import type { VaultClient } from '../wire/vault-client';
import { isDeadToken, isFromVault, vaultError } from '../wire/vault-errors';
import type { VaultSyncClient } from '../wire/vault-sync-client';
import { CONTEXT } from '../wire/waiting';
import {
  leaseOf,
  renewalOf,
  revocationOf,
  unleasedFields,
  type GrantedLease,
  type Lease,
  type LeasedFields,
} from './lease';

type Ask = (call: VaultCall) => Promise<AuthorizedAnswer | undefined>;

const RENEWED_AT = 2 / 3;
/**
 * The share of the remaining time that a reading stays valid. A reader that gets it from a cache at the last moment
 * still has time to use it.
 */
const USABLE_SHARE = 0.9;
const JITTER = 0.1;
const LONGEST_PAUSE_MS = 5_000;
const SHORTEST_PAUSE_MS = 100;
const RENEW_TIMEOUT_MS = 10_000;
const REVOKE_TIMEOUT_MS = 3_000;

/**
 * The dynamic credentials that the server created. A read would create others, so they are held and shared by all
 * fields. They are renewed in the background until the server ends them. `close` tries to revoke them.
 */
export class VaultLeases {
  readonly #client: VaultClient;
  readonly #syncClient: VaultSyncClient;
  readonly #credentials: Credentials;
  readonly #clock: AgeClock;
  readonly #held = new Map<string, Lease>();
  readonly #reading = new Map<string, SharedCall<LeasedFields>>();
  readonly #deadlines = new Deadlines();
  /** All leases that are alive. Replaced leases are included, because their readers may still use them. */
  readonly #alive = new Set<Lease>();
  #isClosed = false;

  constructor(client: VaultClient, syncClient: VaultSyncClient, credentials: Credentials) {
    this.#client = client;
    this.#syncClient = syncClient;
    this.#credentials = credentials;
    this.#clock = credentials.clock;
  }

  /**
   * Resolves to the held fields if the server renews their lease, else to the result of `ask`. `ask` resolves to
   * `undefined` for a missing secret. Concurrent reads share one call, and each keeps its own deadline.
   */
  read(call: VaultCall, ask: Ask): Promise<LeasedFields> {
    const key = keyOf(call);
    const reading = this.#reading.get(key);
    const isOpen = reading !== undefined && reading.reason === undefined;
    const shared = isOpen ? reading : this.begin(key, call, ask);
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = call.options;
    return shared.wait(call.options, timeoutMs, CONTEXT, this.#deadlines);
  }

  /** The blocking form of `read`. A read in flight cannot be awaited, so this one may create its own lease. */
  readSync(call: VaultCall, ask: () => AuthorizedAnswer | undefined): LeasedFields {
    const key = keyOf(call);
    const held = this.#held.get(key);
    if (held !== undefined && this.revalidateSync(held, call.options)) return this.fieldsOf(held);
    const askedAt = this.#clock.now();
    return this.keep(key, call, ask(), askedAt);
  }

  /** Tries once to revoke every live lease. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#deadlines.close();
    const leases = [...this.#alive];
    for (const lease of leases) this.forget(lease);
    await Promise.allSettled(leases.map((lease) => this.revoke(lease)));
  }

  private begin(key: string, call: VaultCall, ask: Ask): SharedCall<LeasedFields> {
    const shared = new SharedCall<LeasedFields>({ timeoutMs: DAY_MS });
    const options = { timeoutMs: DAY_MS, [CANCELLATION]: shared }; // each caller has its own deadline
    const end = (): void => {
      if (this.#reading.get(key) === shared) this.#reading.delete(key);
      shared.end();
    };
    this.#reading.set(key, shared);
    shared.share(this.readOnce(key, { ...call, options }, ask).finally(end));
    return shared;
  }

  private async readOnce(key: string, call: VaultCall, ask: Ask): Promise<LeasedFields> {
    const held = this.#held.get(key);
    if (held !== undefined && (await this.revalidate(held))) return this.fieldsOf(held);
    const askedAt = this.#clock.now();
    return this.keep(key, call, await ask(call), askedAt);
  }

  private keep(
    key: string,
    call: VaultCall,
    answer: AuthorizedAnswer | undefined,
    askedAt: number,
  ): LeasedFields {
    if (answer === undefined) return { fields: undefined };
    const { content = {}, credential } = answer;
    const lease = leaseOf(content);
    if (lease === undefined) return unleasedFields(content);
    return this.fieldsOf(this.hold(key, call, lease, credential, askedAt));
  }

  /** Returns whether the lease may be used again. Renews the lease first, which detects a revoked one. */
  private async revalidate(lease: Lease): Promise<boolean> {
    if (this.isOver(lease)) return false;
    if (lease.isRenewable) await this.renew(lease);
    return !lease.isEnding;
  }

  private revalidateSync(lease: Lease, options: OperationOptions): boolean {
    if (this.isOver(lease)) return false;
    const askedAt = this.#clock.now();
    if (lease.isRenewable) {
      this.applyRenewal(lease, this.#syncClient.send(renewalOf(lease), options), askedAt);
    }
    return !lease.isEnding;
  }

  /** Returns whether the lease is unusable, as far as the manager knows without the server. */
  private isOver(lease: Lease): boolean {
    const { isRenewable, isEnding, durationMs, credential, expiresAt } = lease;
    if (isEnding || credential.token !== this.#credentials.current?.token) return true;
    return !isRenewable && expiresAt - this.#clock.now() <= durationMs / 2;
  }

  /** Holds the lease. Its lifetime counts from before the request, so no expired lease is held. */
  private hold(
    key: string,
    { namespace }: VaultCall,
    granted: GrantedLease,
    credential: Credential,
    askedAt: number,
  ): Lease {
    const lease: Lease = {
      ...granted,
      key,
      namespace,
      credential,
      release: this.#credentials.hold(credential),
      expiresAt: askedAt + granted.durationMs,
      isEnding: false,
      stopTimer: () => undefined,
    };
    if (this.#isClosed) void this.revoke(lease).catch(() => undefined);
    else this.replace(lease);
    return lease;
  }

  private replace(lease: Lease): void {
    const { key, durationMs } = lease;
    const before = this.#held.get(key);
    if (before !== undefined) before.isEnding = true;
    this.#held.set(key, lease);
    this.#alive.add(lease);
    this.schedule(lease, durationMs * RENEWED_AT * (1 - JITTER * Math.random()));
  }

  private fieldsOf({ fields, expiresAt, credential }: Lease): LeasedFields {
    const { current } = this.#credentials;
    const tokenEndsAt =
      current && current.token === credential.token ? current.expiresAt : credential.expiresAt;
    const remainingMs = Math.min(expiresAt, tokenEndsAt) - this.#clock.now();
    return { fields, validForMs: Math.max(0, Math.floor(remainingMs * USABLE_SHARE)) };
  }

  private schedule(lease: Lease, delayMs: number): void {
    lease.stopTimer();
    const maintain = (): void => void this.maintain(lease);
    lease.stopTimer = startTimer(maintain, delayMs, { keepsAlive: false });
  }

  private async maintain(lease: Lease): Promise<void> {
    const remainingMs = lease.expiresAt - this.#clock.now();
    if (remainingMs <= 0) return this.forget(lease);
    if (!lease.isRenewable || lease.isEnding) return this.schedule(lease, remainingMs);
    try {
      await this.renew(lease);
    } catch {
      if (this.#isClosed || !this.#alive.has(lease)) return;
      const pauseMs = Math.min(LONGEST_PAUSE_MS, (lease.expiresAt - this.#clock.now()) / 2);
      this.schedule(lease, Math.max(pauseMs, SHORTEST_PAUSE_MS));
    }
  }

  /** Renews the lease, or marks it as ending if the server refuses. Rejects if the server cannot answer. */
  private async renew(lease: Lease): Promise<void> {
    const options = { timeoutMs: RENEW_TIMEOUT_MS };
    const askedAt = this.#clock.now();
    this.applyRenewal(lease, await this.#client.send(renewalOf(lease), options), askedAt);
  }

  private applyRenewal(lease: Lease, answer: VaultAnswer, askedAt: number): void {
    const { durationMs } = lease;
    if (this.#isClosed || !this.#alive.has(lease)) return;
    const seconds = answer.content?.lease_duration;
    if (answer.statusCode === 200 && typeof seconds === 'number') {
      lease.expiresAt = askedAt + seconds * 1_000;
      lease.isEnding = seconds * 1_000 < durationMs / 2;
      this.schedule(
        lease,
        seconds * 1_000 * (lease.isEnding ? 1 : RENEWED_AT * (1 - JITTER * Math.random())),
      );
      return;
    }
    const error = vaultError(answer, 'Renewing a lease');
    if (isTransient(error) || !isFromVault(answer)) throw error;
    lease.isEnding = true;
    const isDead = answer.statusCode === 400 || isDeadToken(answer); // the lease is unknown, or ended with its token
    if (isDead) this.forget(lease);
    else this.schedule(lease, lease.expiresAt - this.#clock.now());
  }

  private revoke(lease: Lease): Promise<VaultAnswer> {
    return this.#client.send(revocationOf(lease), { timeoutMs: REVOKE_TIMEOUT_MS });
  }

  private forget(lease: Lease): void {
    lease.stopTimer();
    if (this.#alive.delete(lease)) lease.release();
    if (this.#held.get(lease.key) === lease) this.#held.delete(lease.key);
  }
}

function keyOf({ namespace, mount, name }: VaultCall): string {
  return JSON.stringify([namespace, mount, name]);
}
