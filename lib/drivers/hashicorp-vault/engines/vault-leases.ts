import { CANCELLATION } from '../../../core/calls/cancellation';
import { SharedCall } from '../../../core/calls/shared-call';
import { Deadlines } from '../../../core/time/deadlines';
import { DAY_MS, DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import type { VaultCall } from '../options/vault-call';
import type { AuthorizedAnswer, Credential } from '../login/credential';
import type { Credentials } from '../login/credentials';
import { waitOrBlock } from '../../http/wire/steps';
import type { Steps } from '../wire/vault-steps';
import type { VaultClients } from '../wire/vault-clients';
import { CONTEXT } from '../wire/waiting';
import { HeldLease, RENEWAL } from './held-lease';
import { leaseOf, unleasedFields, type GrantedLease, type LeasedFields } from './lease';

/** The ways to read the secret at its path. Both return `undefined` for a missing secret. */
export interface SecretPath {
  ask(call: VaultCall): Promise<AuthorizedAnswer | undefined>;
  askSync(call: VaultCall): AuthorizedAnswer | undefined;
}

/**
 * The share of the remaining time that a reading stays valid. A reader that gets it from a cache at the last moment
 * still has time to use it.
 */
const USABLE_SHARE = 0.9;

/**
 * The dynamic credentials that the server created. A read would create others, so they are held and shared by all
 * fields. They are renewed in the background until the server ends them. `close` tries to revoke them.
 */
export class VaultLeases {
  readonly #clients: VaultClients;
  readonly #credentials: Credentials;
  readonly #held = new Map<string, HeldLease>();
  readonly #reading = new Map<string, SharedCall<LeasedFields>>();
  readonly #deadlines = new Deadlines();
  /** All leases that are alive. Replaced leases are included, because their readers may still use them. */
  readonly #alive = new Set<HeldLease>();
  #isClosed = false;

  constructor(clients: VaultClients, credentials: Credentials) {
    this.#clients = clients;
    this.#credentials = credentials;
  }

  /**
   * Resolves to the held fields if the server renews their lease, else to those at the path. Concurrent reads share
   * one call, and each keeps its own deadline.
   */
  read(call: VaultCall, path: SecretPath): Promise<LeasedFields> {
    const key = keyOf(call);
    const reading = this.#reading.get(key);
    const isOpen = reading !== undefined && reading.reason === undefined;
    const shared = isOpen ? reading : this.begin(key, call, path);
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = call.options;
    return shared.wait(call.options, timeoutMs, CONTEXT, this.#deadlines);
  }

  /** The blocking form of `read`. A read in flight cannot be awaited, so this one may create its own lease. */
  readSync(call: VaultCall, path: SecretPath): LeasedFields {
    return this.#clients.runSync(this.readOnce(keyOf(call), call, path), call.options);
  }

  /** Tries once to revoke every live lease. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#deadlines.close();
    const leases = [...this.#alive];
    for (const lease of leases) this.drop(lease);
    await Promise.allSettled(leases.map((lease) => lease.revoke()));
  }

  private begin(key: string, call: VaultCall, path: SecretPath): SharedCall<LeasedFields> {
    const shared = new SharedCall<LeasedFields>({ timeoutMs: DAY_MS });
    const options = { timeoutMs: DAY_MS, [CANCELLATION]: shared }; // each caller has its own deadline
    const end = (): void => {
      if (this.#reading.get(key) === shared) this.#reading.delete(key);
      shared.end();
    };
    this.#reading.set(key, shared);
    const steps = this.readOnce(key, { ...call, options }, path);
    shared.share(this.#clients.run(steps, RENEWAL).finally(end));
    return shared;
  }

  private *readOnce(key: string, call: VaultCall, path: SecretPath): Steps<LeasedFields> {
    const held = this.#held.get(key);
    if (held !== undefined && (yield* this.revalidate(held))) return this.fieldsOf(held);
    const askedAt = this.#credentials.clock.now();
    const answer = yield* waitOrBlock({
      wait: () => path.ask(call),
      block: () => path.askSync(call),
    });
    return this.keep(key, call, answer, askedAt);
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

  /** Returns whether the lease may be used again. */
  private *revalidate(lease: HeldLease): Steps<boolean> {
    if (lease.credential.token !== this.#credentials.current?.token) return false;
    return yield* lease.revalidate();
  }

  private hold(
    key: string,
    { namespace }: VaultCall,
    granted: GrantedLease,
    credential: Credential,
    askedAt: number,
  ): HeldLease {
    const { clock } = this.#credentials;
    const lease = new HeldLease(this.#clients, clock, granted, {
      key,
      namespace,
      credential,
      askedAt,
      release: this.#credentials.hold(credential),
      drop: (dropped) => this.drop(dropped),
    });
    if (this.#isClosed) {
      lease.stop();
      void lease.revoke().catch(() => undefined);
      return lease;
    }
    this.#held.get(key)?.markEnding();
    this.#held.set(key, lease);
    this.#alive.add(lease);
    return lease;
  }

  private fieldsOf({ fields, expiresAt, credential }: HeldLease): LeasedFields {
    const { current, clock } = this.#credentials;
    const tokenEndsAt =
      current && current.token === credential.token ? current.expiresAt : credential.expiresAt;
    const remainingMs = Math.min(expiresAt, tokenEndsAt) - clock.now();
    return { fields, validForMs: Math.max(0, Math.floor(remainingMs * USABLE_SHARE)) };
  }

  private drop(lease: HeldLease): void {
    if (this.#alive.delete(lease)) lease.stop();
    if (this.#held.get(lease.key) === lease) this.#held.delete(lease.key);
  }
}

function keyOf({ namespace, mount, name }: VaultCall): string {
  return JSON.stringify([namespace, mount, name]);
}
