import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { AgeClock } from '../../core/time/clock';
import { RecentMap } from '../../core/time/recent-map';
import type { SharedRead } from '../single-flight/flight';

/** The time after a write in which a replica may return the old value, in milliseconds. */
export const REPLICA_LAG_MS = 10_000;

/** The state of a secret in the store. Without a value the secret is absent. */
export interface SecretState {
  readonly value: string | undefined;
  readonly version?: string | undefined;
}

interface RecentWrite {
  readonly secretName: string;
  readonly at: number;
  /** The states that the store may hold since then: one, or several after writes that overlapped. */
  readonly written: readonly SecretState[];
  /** `true` if a deletion may have restarted the versions. */
  readonly wasDeleted: boolean;
  /** `true` if the application has invalidated the secret since then, because it may have changed again. */
  readonly isInvalidated: boolean;
}

/**
 * Remembers the writes of the last ten seconds, to recognise the old answer of a lagging replica.
 *
 * An answer is accepted if it is the written value, or has a newer version. Versions are compared if they are
 * whole numbers.
 */
export class RecentWrites {
  readonly #clock = new AgeClock();
  /** The last write of each key. */
  readonly #writes = new RecentMap<RecentWrite>(REPLICA_LAG_MS, this.#clock);

  add({ key, secretName }: SharedRead, written: readonly SecretState[]): void {
    const at = this.#clock.now();
    const wasDeleted = this.#writes.get(key)?.wasDeleted === true || written.some(isAbsent);
    this.#writes.set(key, { secretName, at, written, wasDeleted, isInvalidated: false });
  }

  /** Marks one secret, or all, as possibly changed elsewhere. A replica may still lag. */
  invalidate(secretName?: string): void {
    for (const [key, write] of this.#writes) {
      const matches = secretName === undefined || write.secretName === secretName;
      if (matches) this.#writes.update(key, { ...write, isInvalidated: true });
    }
  }

  /** Forgets the write of a key that another instance has changed since. */
  forget(key: string): void {
    this.#writes.delete(key);
  }

  /** Returns the state that a write left less than `maxAgeMs` ago, if exactly one is possible. */
  lastState(key: string, maxAgeMs: (state: SecretState) => number): SecretState | undefined {
    const write = this.#writes.get(key);
    const state = write?.written.length === 1 ? write.written[0] : undefined;
    if (write === undefined || state === undefined || write.isInvalidated) return undefined;
    return this.#clock.now() - write.at < maxAgeMs(state) ? state : undefined;
  }

  get isEmpty(): boolean {
    return this.#writes.isEmpty;
  }

  has(key: string): boolean {
    return this.#writes.get(key) !== undefined;
  }

  /** Returns whether a recent write may have replaced the answer. */
  mayBeReplaced(key: string, reading: SecretReading | undefined): boolean {
    const write = this.#writes.get(key);
    if (write === undefined) return false;
    const { written, wasDeleted } = write;
    if (written.some(({ value }) => value === reading?.value)) return false;
    return wasDeleted || !written.every(({ version }) => isNewer(reading?.version, version));
  }

  clear(): void {
    this.#writes.clear();
  }
}

const WHOLE_NUMBER = /^\d{1,15}$/;

function isAbsent({ value }: SecretState): boolean {
  return value === undefined;
}

function isNewer(version: string | undefined, than: string | undefined): boolean {
  if (version === undefined || than === undefined) return false;
  return WHOLE_NUMBER.test(version) && WHOLE_NUMBER.test(than) && Number(version) > Number(than);
}
