import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { AgeClock } from '../../core/time/clock';
import { RecentMap } from '../../core/time/recent-map';
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
  /** The last change of each key. */
  readonly #changes = new RecentMap<RecentChange>(REPLICA_LAG_MS, this.#clock);

  get isEmpty(): boolean {
    return this.#changes.isEmpty;
  }

  add({ key, secretName }: SharedRead, before: SecretState): void {
    this.#changes.set(key, { secretName, at: this.#clock.now(), before });
  }

  has(key: string): boolean {
    return this.#changes.get(key) !== undefined;
  }

  /** Returns whether the answer is what a recent change has replaced. */
  isBefore(key: string, reading: SecretReading | undefined): boolean {
    const before = this.#changes.get(key)?.before;
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
}
