import { now, startTimer } from '../../core/clock';
import { isTransient } from '../../core/secret-manager.error';
import { isObject, type VaultAnswer } from './exchange';
import type { VaultCall } from './vault-call';
import type { VaultClient } from './vault-client';
import { vaultError } from './vault-errors';
import type { Credential, VaultSession } from './vault-session';

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
  readonly #session: VaultSession;
  readonly #held = new Map<string, Lease>();
  readonly #reading = new Map<string, Promise<LeasedFields>>();
  /** Those that were replaced, too: whoever got one may still use it. */
  readonly #alive = new Set<Lease>();
  #isClosed = false;

  constructor(client: VaultClient, session: VaultSession) {
    this.#client = client;
    this.#session = session;
  }

  /** The fields that are held, if the server renews their lease; else what `ask` brings. */
  read(call: VaultCall, ask: () => Promise<VaultAnswer['content']>): Promise<LeasedFields> {
    const key = JSON.stringify([call.namespace, call.mount, call.name]);
    const reading =
      this.#reading.get(key) ??
      this.readOnce(key, call, ask).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }

  /** Revokes what is alive, within a bounded time. Never rejects. */
  async close(): Promise<readonly Credential[]> {
    this.#isClosed = true;
    const leases = [...this.#alive];
    for (const lease of leases) this.forget(lease);
    await Promise.allSettled(
      leases.map(({ id, namespace, credential }) =>
        this.put('revoke', { lease_id: id, sync: true }, namespace, credential, REVOKE_TIMEOUT_MS),
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
    const content = await ask();
    if (content === undefined) return { fields: undefined };
    const lease = this.hold(key, call, content);
    return lease ? this.answerOf(lease) : withoutLease(content);
  }

  /** Whether it may be handed out once more. The server is asked, so that what was revoked is noticed. */
  private async isGood(lease: Lease): Promise<boolean> {
    const { isRenewable, durationMs, credential } = lease;
    if (lease.isEnding || credential.token !== this.#session.current?.token) return false;
    if (!isRenewable) return lease.expiresAt - now() > durationMs / 2;
    await this.renew(lease);
    return !lease.isEnding;
  }

  private hold(key: string, call: VaultCall, content: Fields): Lease | undefined {
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
      expiresAt: now() + durationMs,
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
    return {
      fields,
      validForMs: Math.max(0, Math.floor(Math.min(expiresAt, tokenEndsAt) - now())),
    };
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
    const { id, namespace, durationMs, credential } = lease;
    const increment = Math.ceil(durationMs / 1_000);
    const content = { lease_id: id, increment };
    const answer = await this.put('renew', content, namespace, credential, RENEW_TIMEOUT_MS);
    if (this.#isClosed || !this.#alive.has(lease)) return;
    const seconds = answer.content?.lease_duration;
    if (answer.statusCode === 200 && typeof seconds === 'number') {
      lease.expiresAt = now() + seconds * 1_000;
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

  private put(
    action: 'renew' | 'revoke',
    content: object,
    namespace: string | undefined,
    { token }: Credential,
    timeoutMs: number,
  ): Promise<VaultAnswer> {
    const path = `/v1/sys/leases/${action}`;
    return this.#client.send({ method: 'PUT', path, token, namespace, content }, { timeoutMs });
  }
}

/** A password that the server rotates comes without a lease, and says itself how long it lasts. */
function withoutLease({ data }: Fields): LeasedFields {
  if (!isObject(data)) return { fields: undefined };
  const { ttl, last_vault_rotation: rotatedAt } = data;
  const isRotated = typeof ttl === 'number' && ttl >= 0 && typeof rotatedAt === 'string';
  return { fields: data, validForMs: isRotated ? ttl * 1_000 : undefined };
}
