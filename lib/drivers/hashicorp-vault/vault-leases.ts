import { now, startTimer } from '../../core/clock';
import { isTransient } from '../../core/secret-manager.error';
import { isObject, type VaultAnswer } from './exchange';
import type { VaultCall } from './vault-call';
import type { OperationOptions } from '../../core/custom-secret-manager';
import type { VaultClient, VaultRequest } from './vault-client';
import { vaultError } from './vault-errors';
import type { Credential, VaultSession } from './vault-session';
import type { VaultSyncClient } from './vault-sync-client';

type Fields = Readonly<Record<string, unknown>>;

/** What was read, and for how long it may be used. */
export interface LeasedFields {
  readonly fields: Fields | undefined;
  readonly validForMs?: number;
}

interface Lease {
  readonly id: string;
  readonly key: string;
  readonly namespace: string | undefined;
  readonly fields: Fields;
  readonly durationMs: number;
  readonly isRenewable: boolean;
  /** It dies with the token that asked for it. */
  readonly credential: Credential;
  expiresAt: number;
  /** It could not be renewed, or for too short a time: the next read gets another one. */
  isEnding: boolean;
  stopTimer: () => void;
}

const RENEWED_AT = 2 / 3;
/** Who gets it from a cache at the last moment must still have the time to use it. */
const HANDED_OUT_FOR = 0.9;
const JITTER = 0.1;
const LONGEST_PAUSE_MS = 5_000;
const SHORTEST_PAUSE_MS = 100;
const RENEW_TIMEOUT_MS = 10_000;
const REVOKE_TIMEOUT_MS = 1_500;

/**
 * Credentials that the server made for us: every read of them would make others, so they are held, whatever field of them is
 * asked for, and renewed in the background until the server ends them. They are revoked at the end.
 */
export class VaultLeases {
  readonly #client: VaultClient;
  readonly #syncClient: VaultSyncClient;
  readonly #session: VaultSession;
  readonly #held = new Map<string, Lease>();
  readonly #reading = new Map<string, Promise<LeasedFields>>();
  /** Those that were replaced, too: whoever got one may still use it. */
  readonly #alive = new Set<Lease>();
  #isClosed = false;

  constructor(client: VaultClient, syncClient: VaultSyncClient, session: VaultSession) {
    this.#client = client;
    this.#syncClient = syncClient;
    this.#session = session;
  }

  /** The fields that are held, if the server renews their lease; else what `ask` brings. */
  read(call: VaultCall, ask: () => Promise<VaultAnswer['content']>): Promise<LeasedFields> {
    const key = keyOf(call);
    const reading =
      this.#reading.get(key) ??
      this.readOnce(key, call, ask).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }

  /** As `read`, blocking. A read that is under way cannot be waited for: this one may get a lease of its own. */
  readSync(call: VaultCall, ask: () => VaultAnswer['content']): LeasedFields {
    const key = keyOf(call);
    const held = this.#held.get(key);
    if (held !== undefined && this.isGoodSync(held, call.options)) return this.answerOf(held);
    const askedAt = now();
    return this.keep(key, call, ask(), askedAt);
  }

  /** Revokes what is alive, within a bounded time. Never rejects. */
  async close(): Promise<readonly Credential[]> {
    this.#isClosed = true;
    const leases = [...this.#alive];
    for (const lease of leases) this.forget(lease);
    await Promise.allSettled(
      leases.map((lease) =>
        this.#client.send(revocationOf(lease), { timeoutMs: REVOKE_TIMEOUT_MS }),
      ),
    );
    return leases.map(({ credential }) => credential);
  }

  private async readOnce(
    key: string,
    call: VaultCall,
    ask: () => Promise<VaultAnswer['content']>,
  ): Promise<LeasedFields> {
    const held = this.#held.get(key);
    if (held !== undefined && (await this.isGood(held))) return this.answerOf(held);
    const askedAt = now();
    return this.keep(key, call, await ask(), askedAt);
  }

  private keep(
    key: string,
    call: VaultCall,
    content: VaultAnswer['content'],
    askedAt: number,
  ): LeasedFields {
    if (content === undefined) return { fields: undefined };
    const lease = this.hold(key, call, content, askedAt);
    return lease ? this.answerOf(lease) : withoutLease(content);
  }

  /** Whether it may be handed out once more. The server is asked, so that what was revoked is noticed. */
  private async isGood(lease: Lease): Promise<boolean> {
    if (this.isOver(lease)) return false;
    if (lease.isRenewable) await this.renew(lease);
    return !lease.isEnding;
  }

  private isGoodSync(lease: Lease, options: OperationOptions): boolean {
    if (this.isOver(lease)) return false;
    const askedAt = now();
    if (lease.isRenewable) {
      this.renewed(lease, this.#syncClient.send(renewalOf(lease), options), askedAt);
    }
    return !lease.isEnding;
  }

  /** So far as can be told without the server. */
  private isOver(lease: Lease): boolean {
    const { isRenewable, isEnding, durationMs, credential, expiresAt } = lease;
    if (isEnding || credential.token !== this.#session.current?.token) return true;
    return !isRenewable && expiresAt - now() <= durationMs / 2;
  }

  /** The server counts from some moment after it was asked, so that nothing is held too long. */
  private hold(key: string, call: VaultCall, content: Fields, askedAt: number): Lease | undefined {
    const { lease_id: id, lease_duration: seconds, renewable, data } = content;
    const credential = this.#session.current;
    if (typeof id !== 'string' || id === '' || typeof seconds !== 'number' || !isObject(data)) {
      return undefined;
    }
    if (credential === undefined || this.#isClosed) return undefined;
    const durationMs = seconds * 1_000;
    const lease: Lease = {
      id,
      key,
      namespace: call.namespace,
      fields: data,
      durationMs,
      isRenewable: renewable === true,
      credential,
      expiresAt: askedAt + durationMs,
      isEnding: false,
      stopTimer: () => undefined,
    };
    this.#held.set(key, lease);
    this.#alive.add(lease);
    this.plan(lease, durationMs * RENEWED_AT * (1 - JITTER * Math.random()));
    return lease;
  }

  private answerOf({ fields, expiresAt, credential }: Lease): LeasedFields {
    const { current } = this.#session;
    const tokenEndsAt =
      current?.token === credential.token ? current.expiresAt : credential.expiresAt;
    const remainingMs = Math.min(expiresAt, tokenEndsAt) - now();
    return { fields, validForMs: Math.max(0, Math.floor(remainingMs * HANDED_OUT_FOR)) };
  }

  private plan(lease: Lease, delayMs: number): void {
    lease.stopTimer();
    const keepUp = (): void => void this.keepUp(lease);
    lease.stopTimer = startTimer(keepUp, delayMs, { keepsAlive: false });
  }

  private async keepUp(lease: Lease): Promise<void> {
    const remainingMs = lease.expiresAt - now();
    if (remainingMs <= 0) return this.forget(lease);
    if (!lease.isRenewable || lease.isEnding) return this.plan(lease, remainingMs);
    try {
      await this.renew(lease);
    } catch {
      const pauseMs = Math.min(LONGEST_PAUSE_MS, (lease.expiresAt - now()) / 2);
      this.plan(lease, Math.max(pauseMs, SHORTEST_PAUSE_MS));
    }
  }

  /** Rejects if the server cannot be asked; a lease that it does not renew is ending. */
  private async renew(lease: Lease): Promise<void> {
    const options = { timeoutMs: RENEW_TIMEOUT_MS };
    const askedAt = now();
    this.renewed(lease, await this.#client.send(renewalOf(lease), options), askedAt);
  }

  private renewed(lease: Lease, answer: VaultAnswer, askedAt: number): void {
    const { durationMs } = lease;
    if (this.#isClosed || !this.#alive.has(lease)) return;
    const seconds = answer.content?.lease_duration;
    if (answer.statusCode === 200 && typeof seconds === 'number') {
      lease.expiresAt = askedAt + seconds * 1_000;
      lease.isEnding = seconds * 1_000 < durationMs / 2;
      this.plan(
        lease,
        seconds * 1_000 * (lease.isEnding ? 1 : RENEWED_AT * (1 - JITTER * Math.random())),
      );
      return;
    }
    const error = vaultError(answer, 'Renewing a lease');
    if (isTransient(error)) throw error;
    lease.isEnding = true;
    if (answer.statusCode === 400) this.forget(lease); // there is no such lease any more
  }

  private forget(lease: Lease): void {
    lease.stopTimer();
    this.#alive.delete(lease);
    if (this.#held.get(lease.key) === lease) this.#held.delete(lease.key);
  }
}

function keyOf({ namespace, mount, name }: VaultCall): string {
  return JSON.stringify([namespace, mount, name]);
}

function renewalOf(lease: Lease): VaultRequest {
  return put('renew', lease, { increment: Math.ceil(lease.durationMs / 1_000) });
}

function revocationOf(lease: Lease): VaultRequest {
  return put('revoke', lease, { sync: true });
}

function put(action: string, { id, namespace, credential }: Lease, more: object): VaultRequest {
  const { token } = credential;
  const path = `/v1/sys/leases/${action}`;
  return { method: 'PUT', path, token, namespace, content: { lease_id: id, ...more } };
}

/** A password that the server rotates comes without a lease, and says itself how long it lasts. */
function withoutLease({ data }: Fields): LeasedFields {
  if (!isObject(data)) return { fields: undefined };
  const { ttl, last_vault_rotation: rotatedAt } = data;
  const isRotated = typeof ttl === 'number' && ttl >= 0 && typeof rotatedAt === 'string';
  return { fields: data, validForMs: isRotated ? ttl * 1_000 : undefined };
}
