import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { AgeClock } from '../../core/time/clock';
import type { SharedRead } from '../single-flight/flight';

/** For how long after a write a replica may still answer with what was replaced, in milliseconds. */
export const REPLICA_LAG_MS = 10_000;

/** What the store holds of a secret; without a value it is absent. */
export interface SecretState {
  readonly value: string | undefined;
  readonly version?: string | undefined;
}

interface RecentWrite {
  readonly secretName: string;
  readonly at: number;
  /** What the store may hold since then: one state, or several of writes that overlapped. */
  readonly written: readonly SecretState[];
  /** Versions may have begun again since then. */
  readonly wasDeleted: boolean;
  /** The application has invalidated the secret since then: it may have changed again. */
  readonly isInvalidated: boolean;
}

/**
 * Remembers the writes of the last ten seconds, so that the answer of a replica that lags is not taken for news. An answer is
 * doubted unless it is what was written, or has a newer version. Versions tell which of two is newer if they are whole numbers.
 */
export class RecentWrites {
  readonly #clock = new AgeClock();
  /** By the key of the secret, the last write at the end. */
  readonly #writes = new Map<string, RecentWrite>();

  add({ key, secretName }: SharedRead, written: readonly SecretState[]): void {
    const at = this.#clock.now();
    this.forgetOld(at);
    const wasDeleted = this.#writes.get(key)?.wasDeleted === true || written.some(isAbsent);
    this.#writes.delete(key);
    this.#writes.set(key, { secretName, at, written, wasDeleted, isInvalidated: false });
  }

  /** One secret, or all, may have changed again. A replica may lag all the same. */
  invalidate(secretName?: string): void {
    for (const [key, write] of this.#writes) {
      const isMeant = secretName === undefined || write.secretName === secretName;
      if (isMeant) this.#writes.set(key, { ...write, isInvalidated: true });
    }
  }

  /** What a write has left in the store less than `maxAgeMs` ago, if one state of it is known. */
  left(key: string, maxAgeMs: (state: SecretState) => number): SecretState | undefined {
    const write = this.has(key) ? this.#writes.get(key) : undefined;
    const state = write?.written.length === 1 ? write.written[0] : undefined;
    if (write === undefined || state === undefined || write.isInvalidated) return undefined;
    return this.#clock.now() - write.at < maxAgeMs(state) ? state : undefined;
  }

  get isEmpty(): boolean {
    return this.#writes.size === 0;
  }

  has(key: string): boolean {
    if (this.isEmpty) return false;
    this.forgetOld(this.#clock.now());
    return this.#writes.has(key);
  }

  /** Whether the answer may be what a recent write has replaced. */
  mayBeReplaced(key: string, reading: SecretReading | undefined): boolean {
    const write = this.has(key) ? this.#writes.get(key) : undefined;
    if (write === undefined) return false;
    const { written, wasDeleted } = write;
    if (written.some(({ value }) => value === reading?.value)) return false;
    return wasDeleted || !written.every(({ version }) => isNewer(reading?.version, version));
  }

  clear(): void {
    this.#writes.clear();
  }

  private forgetOld(at: number): void {
    for (const [key, write] of this.#writes) {
      if (at - write.at < REPLICA_LAG_MS) return;
      this.#writes.delete(key);
    }
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
