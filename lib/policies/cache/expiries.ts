import type { AgeClock } from '../../core/time/clock';
import { RecentMap } from '../../core/time/recent-map';
import type { SharedRead } from '../single-flight/flight';
import type { ReportedChange } from '../writes/announcements';

/** The shortest time between two expiries of one secret that the fleet causes, in milliseconds. */
const EXPIRY_INTERVAL_MS = 1_000;

/** The instant at which a cached secret expires because of a reported change. */
export interface PlannedExpiry {
  readonly source: ReportedChange['source'];
  readonly at: number;
  /** The time of the last report. A read that began later has seen the change. */
  readonly reportedAt: number;
  /** The instant at which the answer of the read in flight expires again, because of a later report. */
  readonly againAt?: number;
}

/**
 * The cached secrets that reported changes expire. From its instant on, an expired secret is served only if the
 * store cannot be asked.
 *
 * The expiries of one secret that the fleet causes are at least a second apart.
 */
export class Expiries {
  readonly #clock: AgeClock;
  readonly #planned = new Map<string, PlannedExpiry>();
  /** The last instant of each name that the fleet has expired, and the earliest that it could have been. */
  readonly #last: RecentMap<{ readonly at: number; readonly earliestAt: number }>;

  constructor(clock: AgeClock) {
    this.#clock = clock;
    this.#last = new RecentMap(EXPIRY_INTERVAL_MS, clock);
  }

  /** Returns the instant of the next expiry of a secret, and whether it follows another one too soon. */
  instantFor(
    secretName: string,
    { source, spreadMs }: ReportedChange,
  ): { readonly at: number; readonly isPostponed: boolean } {
    const now = this.#clock.now();
    if (source !== 'fleet') return { at: now, isPostponed: false };
    const last = this.#last.get(secretName);
    const isAhead = last !== undefined && last.at > now;
    if (isAhead && spreadMs > 0) return { at: last.at, isPostponed: false };
    const earliestAt = isAhead ? last.earliestAt : (last?.at ?? -Infinity) + EXPIRY_INTERVAL_MS;
    const at = Math.max(now + spreadMs * Math.random(), earliestAt);
    this.#last.set(secretName, { at, earliestAt });
    return { at, isPostponed: earliestAt > now };
  }

  /** Plans the expiry of a read. Returns the instant from which its present entry is expired. */
  plan({ key }: SharedRead, at: number, source: PlannedExpiry['source']): PlannedExpiry {
    const reportedAt = this.#clock.now();
    const before = this.#planned.get(key);
    const isDue = before !== undefined && before.at <= reportedAt;
    const planned = isDue
      ? { ...before, reportedAt, againAt: at }
      : { source, reportedAt, at: Math.min(at, before?.at ?? Infinity) };
    this.#planned.set(key, planned);
    return planned;
  }

  get(key: string): PlannedExpiry | undefined {
    return this.#planned.get(key);
  }

  isExpired(key: string): boolean {
    const planned = this.#planned.get(key);
    return planned !== undefined && planned.at <= this.#clock.now();
  }

  /** Takes a read of the store over. Returns the expiry of its answer, if a change was reported since it began. */
  settle(key: string, startedAt: number): PlannedExpiry | undefined {
    const planned = this.#planned.get(key);
    if (planned === undefined) return undefined;
    if (startedAt >= planned.reportedAt) {
      this.#planned.delete(key);
      return undefined;
    }
    const { source, reportedAt, againAt = planned.at } = planned;
    const next = { source, reportedAt, at: againAt };
    this.#planned.set(key, next);
    return next;
  }

  delete(key: string): void {
    this.#planned.delete(key);
  }

  clear(): void {
    this.#planned.clear();
    this.#last.clear();
  }
}
