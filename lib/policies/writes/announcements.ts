/**
 * The effect of a change on the other instances: `changed` makes them read again, and `revoked` makes them drop
 * the value at once.
 */
export type AnnouncementKind = 'changed' | 'revoked';

export interface Announcement {
  readonly kind: AnnouncementKind;
  /** The changed secret; `undefined` stands for all. */
  readonly secretName: string | undefined;
  /** The new version, if the store reports versions. */
  readonly version?: string | undefined;
}

/** Announces changes to the other instances of a fleet. */
export interface Announcer {
  /** Returns `false` if the others cannot hear of it now. Never throws, and never waits. */
  announce(announcement: Announcement): boolean;
  /** Called with each name that this instance reads or caches. */
  remember(secretName: string): void;
}

/** A fleet, as the pipeline of one instance knows it. */
export interface FleetTerms {
  readonly announcer: Announcer;
  /** The longest time for which a value is fresh while this instance is cut off, in milliseconds. */
  readonly disconnectedTtlMs: number;
}

/** A change that somebody else reported. */
export interface ReportedChange {
  /** The reporter; `read` stands for the application itself. */
  readonly source: 'fleet' | 'watch' | 'read';
  /** The time within which the cached value expires, at a random instant, in milliseconds. */
  readonly spreadMs: number;
  /** Returns whether a cached version is the reported one. */
  readonly isCurrent?: (version: string) => boolean;
}
