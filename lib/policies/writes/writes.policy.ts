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

/** The reads and the cache of one pipeline, which a write has to update. */
export interface WriteObserver {
  /** Detaches the reads in flight: their waiters still get the result, but new callers start a fresh read. */
  supersede(secretName?: string): void;
  /**
   * Detaches the reads in flight, and drops the cached values of the secret, including its versions and stages.
   */
  invalidate(secretName?: string): void;
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

  /** @param stateAfter returns the state of the store after the write, given the metadata of the manager */
  async run(
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
      // before the drop, which detaches the reads in flight and so starts the reads that wait for them
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
    );
  }

  override deleteSecret(secretName: string, options: DeleteOptions = {}): Promise<SecretMetadata> {
    return this.#writes.run(
      sharedRead(secretName, options.params),
      () => this.inner.deleteSecret(secretName, options),
      () => ABSENT,
      this.#store,
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
