import { REVOKES, type CallOptions } from '../../core/calls/cancellation';
import type {
  DeleteOptions,
  SecretMetadata,
  WriteOptions,
} from '../../core/contract/custom-secret-manager';
import {
  hasCode,
  isSecretManagerError,
  type SecretManagerErrorCode,
} from '../../core/errors/secret-manager.error';
import { CircuitOpenError } from '../circuit-breaker/circuit-breaker.policy';
import { Policy, type Pipeline } from '../policy';
import { sharedRead, type SharedRead } from '../single-flight/flight';
import type {
  Announcement,
  AnnouncementKind,
  Announcer,
  FleetTerms,
  ReportedChange,
} from './announcements';
import { RecentChanges } from './recent-changes';
import { RecentWrites, type SecretState } from './recent-writes';

/** The reads and the cache of one pipeline, which a write has to update. */
export interface WriteObserver {
  /** Detaches the reads in flight: their waiters still get the result, but new callers start a fresh read. */
  supersede(secretName?: string): void;
  /**
   * Detaches the reads in flight, and drops the cached values of the secret, including its versions and stages.
   */
  invalidate(secretName?: string): void;
  /** Expires one secret, or all: they are read again before they are served, unless the store cannot be asked. */
  expire(secretName: string | undefined, change: ReportedChange): void;
  /** Drops one secret, or all, as {@link invalidate} does. A pinned secret is read again at once. */
  revoke(secretName: string | undefined, change: ReportedChange): void;
  /** Takes part in a fleet from now on. */
  joinFleet(fleet: FleetTerms): void;
  /** Limits the time for which values are fresh, because this instance is cut off from its fleet. */
  limitFreshness(isCut: boolean): void;
  /** Returns the names that are cached, pinned, or being read. */
  heldNames(): Iterable<string>;
}

/** The effect of a write beside its value. */
interface WriteTerms {
  /** The effect on the other instances of the fleet. Default `changed`. */
  readonly kind?: AnnouncementKind;
  /** `true` if a `CONFLICT` proves that nothing was written. */
  readonly createOnly?: boolean;
}

/** Stores a written value in the cache. */
export type StoreWritten = (read: SharedRead, written: SecretState) => void;

interface WritesInFlight {
  running: number;
  /** `true` if several writes overlapped, so that the last one is unknown. */
  overlapped: boolean;
  /** The states that the writes may leave in the store. */
  readonly states: SecretState[];
}

/**
 * Tracks the writes of all pipelines over one manager. A write outdates the reads in flight, and drops the
 * cached values of the secret in every cache. The cache that it passed through stores the new value.
 *
 * Every change passes here: those of this instance are announced to its fleet, and those of others are applied to
 * every cache.
 */
export class Writes {
  readonly recent = new RecentWrites();
  readonly changes = new RecentChanges();
  #announcer: Announcer | undefined;
  readonly #observers: WriteObserver[] = [];
  readonly #inFlight = new Map<string, WritesInFlight>();

  observe(observer: WriteObserver): void {
    this.#observers.push(observer);
  }

  /** Drops one secret, or all, in every cache, because it may have changed elsewhere. */
  invalidate(secretName?: string): void {
    this.recent.invalidate(secretName);
    this.drop(secretName);
  }

  joinFleet(fleet: FleetTerms): void {
    this.#announcer = fleet.announcer;
    for (const observer of this.#observers) observer.joinFleet(fleet);
  }

  limitFreshness(isCut: boolean): void {
    for (const observer of this.#observers) observer.limitFreshness(isCut);
  }

  /** Announces a change to the fleet. Returns `false` if the other instances cannot hear of it now. */
  announce(announcement: Announcement): boolean {
    return this.#announcer?.announce(announcement) ?? true;
  }

  /** Expires one secret, or all, in every cache. */
  expire(secretName: string | undefined, change: ReportedChange): void {
    if (change.source !== 'fleet' || secretName === undefined) this.recent.invalidate(secretName);
    for (const observer of this.#observers) observer.expire(secretName, change);
  }

  /** Drops one secret, or all, in every cache. Pinned secrets are read again at once. */
  revoke(secretName: string | undefined, change: ReportedChange): void {
    if (change.source !== 'fleet' || secretName === undefined) this.recent.invalidate(secretName);
    for (const observer of this.#observers) observer.revoke(secretName, change);
  }

  /** Returns the names that are cached, pinned, or being read. */
  heldNames(): ReadonlySet<string> {
    return new Set(this.#observers.flatMap((observer) => [...observer.heldNames()]));
  }

  /** @param stateAfter returns the state of the store after the write, given the metadata of the manager */
  async run(
    read: SharedRead,
    write: () => Promise<SecretMetadata>,
    stateAfter: (metadata?: SecretMetadata) => SecretState,
    store: StoreWritten,
    { kind = 'changed', createOnly = false }: WriteTerms = {},
  ): Promise<SecretMetadata> {
    const { key, secretName, params } = read;
    const writes = this.begin(key, stateAfter());
    for (const observer of this.#observers) observer.supersede(secretName);
    try {
      const metadata = await write();
      const written = stateAfter(metadata);
      // before the drop, which detaches the reads in flight and so starts the reads that wait for them
      this.recent.add(read, writes.overlapped ? writes.states : [written]);
      this.changes.forget(secretName);
      this.drop(secretName);
      if (!writes.overlapped) store(read, written);
      const isKnown = params === undefined && !writes.overlapped;
      const version = isKnown ? written.version : undefined;
      const isAnnounced = this.announce({ kind, secretName, version });
      return isAnnounced ? metadata : { ...metadata, announced: false };
    } catch (error) {
      if (mayHaveChanged(error)) {
        this.invalidate(secretName);
        const isUnchanged = createOnly && hasCode(error, 'CONFLICT');
        if (!isUnchanged) this.announce({ kind, secretName });
      }
      throw error;
    } finally {
      writes.running -= 1;
      if (writes.running === 0) this.#inFlight.delete(key);
    }
  }

  private drop(secretName?: string): void {
    for (const observer of this.#observers) observer.invalidate(secretName);
  }

  private begin(key: string, state: SecretState): WritesInFlight {
    const writes = this.#inFlight.get(key) ?? { running: 0, overlapped: false, states: [] };
    this.#inFlight.set(key, writes);
    writes.running += 1;
    writes.overlapped ||= writes.running > 1;
    writes.states.push(state);
    return writes;
  }
}

/** Updates every cache after the writes that pass through this policy. */
export class WritesPolicy extends Policy {
  readonly #writes: Writes;
  readonly #store: StoreWritten;

  /** @param store stores a written value; by default nothing is stored */
  constructor(inner: Pipeline, writes: Writes, store: StoreWritten = () => undefined) {
    super(inner);
    this.#writes = writes;
    this.#store = store;
  }

  override writeSecret(
    secretName: string,
    value: string,
    options: WriteOptions = {},
  ): Promise<SecretMetadata> {
    return this.#writes.run(
      sharedRead(secretName, options.params),
      () => this.inner.writeSecret(secretName, value, options),
      (metadata) => ({ value, version: metadata?.version }),
      this.#store,
      {
        kind: (options as CallOptions)[REVOKES] ? 'revoked' : 'changed',
        createOnly: options.createOnly,
      },
    );
  }

  override deleteSecret(secretName: string, options: DeleteOptions = {}): Promise<SecretMetadata> {
    return this.#writes.run(
      sharedRead(secretName, options.params),
      () => this.inner.deleteSecret(secretName, options),
      () => ABSENT,
      this.#store,
      { kind: 'revoked' },
    );
  }
}

const ABSENT: SecretState = { value: undefined };

/** Returns whether a failed write may have changed the store. A `CONFLICT` proves another write. */
function mayHaveChanged(error: unknown): boolean {
  return !(
    error instanceof CircuitOpenError ||
    (isSecretManagerError(error) && NOT_WRITTEN.has(error.code))
  );
}

const NOT_WRITTEN: ReadonlySet<SecretManagerErrorCode> = new Set([
  'ACCESS_DENIED',
  'UNAUTHENTICATED',
  'THROTTLED',
  'INVALID_ARGUMENT',
  'NOT_PERMITTED',
  'UNSUPPORTED',
] as const);
