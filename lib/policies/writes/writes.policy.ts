import type {
  DeleteOptions,
  SecretMetadata,
  WriteOptions,
} from '../../core/contract/custom-secret-manager';
import {
  isSecretManagerError,
  type SecretManagerErrorCode,
} from '../../core/errors/secret-manager.error';
import { CircuitOpenError } from '../circuit-breaker/circuit-breaker.policy';
import { Policy, type Pipeline } from '../policy';
import { sharedRead, type SharedRead } from '../single-flight/flight';
import { RecentWrites, type SecretState } from './recent-writes';

/** The reads of one pipeline, and its cache, as far as a write concerns them. */
export interface WriteObserver {
  /** Detaches the reads in flight: their waiters still get the result, but new callers start a fresh read. */
  supersede(secretName?: string): void;
  /** Also drops what is cached of the secret, its versions and stages included. */
  invalidate(secretName?: string): void;
}

/** Keeps what a write brought. */
export type StoreWritten = (read: SharedRead, written: SecretState) => void;

interface WritesInFlight {
  running: number;
  /** Which of several writes the store took last is not known. */
  overlapped: boolean;
  /** What each of them would leave in the store. */
  readonly states: SecretState[];
}

/**
 * What the writes of all pipelines over one manager have in common. A write outdates the reads in flight once, drops what is
 * cached of the secret in every cache, and is stored in the cache that it went through.
 */
export class Writes {
  readonly recent = new RecentWrites();
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

  /** @param stateAfter what the store holds after the write, given what the manager said of it */
  async follow(
    read: SharedRead,
    write: () => Promise<SecretMetadata>,
    stateAfter: (metadata?: SecretMetadata) => SecretState,
    store: StoreWritten,
  ): Promise<SecretMetadata> {
    const { key, secretName } = read;
    const writes = this.begin(key, stateAfter());
    for (const observer of this.#observers) observer.supersede(secretName);
    try {
      const metadata = await write();
      const written = stateAfter(metadata);
      // first, because a read that waits for its turn begins as soon as those before it are detached
      this.recent.add(read, writes.overlapped ? writes.states : [written]);
      this.drop(secretName);
      if (!writes.overlapped) store(read, written);
      return metadata;
    } catch (error) {
      if (mayHaveChanged(error)) this.invalidate(secretName);
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

/** Tells every cache of the writes that go through here. */
export class WritesPolicy extends Policy {
  readonly #writes: Writes;
  readonly #store: StoreWritten;

  /** @param store keeps what was written; by default nobody does */
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
    return this.#writes.follow(
      sharedRead(secretName, options.params),
      () => this.inner.writeSecret(secretName, value, options),
      (metadata) => ({ value, version: metadata?.version }),
      this.#store,
    );
  }

  override deleteSecret(secretName: string, options: DeleteOptions = {}): Promise<SecretMetadata> {
    return this.#writes.follow(
      sharedRead(secretName, options.params),
      () => this.inner.deleteSecret(secretName, options),
      () => ABSENT,
      this.#store,
    );
  }
}

const ABSENT: SecretState = { value: undefined };

/** Whether a write that failed may have happened all the same. A `CONFLICT` proves that somebody else has written. */
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
