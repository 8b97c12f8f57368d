import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { AgeClock } from '../../core/time/clock';
import type { SharedRead } from '../single-flight/flight';
import { REPLICA_LAG_MS, type SecretState } from './recent-writes';

interface RecentChange {
  readonly secretName: string;
  readonly at: number;
  /** The cached state before the change. */
  readonly before: SecretState;
}

/** Remembers what other instances replaced in the last ten seconds, to recognise the old answer of a lagging replica. */
export class RecentChanges {
  readonly #clock = new AgeClock();
  /** The last change of each key, the oldest first. */
  readonly #changes = new Map<string, RecentChange>();

  get isEmpty(): boolean {
    return this.#changes.size === 0;
  }

  add({ key, secretName }: SharedRead, before: SecretState): void {
    const at = this.#clock.now();
    this.deleteOld(at);
    this.#changes.delete(key);
    this.#changes.set(key, { secretName, at, before });
  }

  has(key: string): boolean {
    if (this.isEmpty) return false;
    this.deleteOld(this.#clock.now());
    return this.#changes.has(key);
  }

  /** Returns whether the answer is what a recent change has replaced. */
  isBefore(key: string, reading: SecretReading | undefined): boolean {
    const before = this.has(key) ? this.#changes.get(key)?.before : undefined;
    if (before === undefined) return false;
    return before.value === reading?.value && before.version === reading?.version;
  }

  /** Forgets the changes of a secret that this instance has written since. */
  forget(secretName: string): void {
    for (const [key, change] of this.#changes) {
      if (change.secretName === secretName) this.#changes.delete(key);
    }
  }

  clear(): void {
    this.#changes.clear();
  }

  private deleteOld(at: number): void {
    for (const [key, change] of this.#changes) {
      if (at - change.at < REPLICA_LAG_MS) return;
      this.#changes.delete(key);
    }
  }
}
