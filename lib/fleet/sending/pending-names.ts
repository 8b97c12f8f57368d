import type { Announcement, AnnouncementKind } from '../../policies/writes/announcements';

/** The most names of one kind that wait. Beyond it all names have changed. */
const MAX_NAMES = 10_000;

/** The names of one message, with their versions, or all names. */
export interface Batch {
  readonly kind: AnnouncementKind;
  readonly names: ReadonlyMap<string, string | undefined> | 'all';
}

/** The announcements that wait for being published: a set of names with a bound. */
export class PendingNames {
  readonly #changed = new Map<string, string | undefined>();
  readonly #revoked = new Map<string, string | undefined>();
  readonly #all = new Set<AnnouncementKind>();

  get size(): number {
    return this.#changed.size + this.#revoked.size + this.#all.size;
  }

  add({ kind, secretName, version }: Announcement): void {
    if (secretName === undefined) {
      this.#all.add(kind);
      return;
    }
    const names =
      kind === 'revoked' || this.#revoked.has(secretName) ? this.#revoked : this.#changed;
    if (names === this.#revoked) this.#changed.delete(secretName);
    if (this.#all.has(names === this.#revoked ? 'revoked' : 'changed')) return;
    names.set(secretName, version);
    if (names.size <= MAX_NAMES) return;
    names.clear();
    this.#all.add('changed');
  }

  /** Takes a batch back that was not delivered. A newer announcement of a name stays. */
  restore({ kind, names }: Batch): void {
    if (names === 'all') {
      this.#all.add(kind);
      return;
    }
    for (const [secretName, version] of names) {
      const isKnown = this.#revoked.has(secretName) || this.#changed.has(secretName);
      this.add({ kind, secretName, version: isKnown ? undefined : version });
    }
  }

  /** Removes and returns the next batch, revoked names first. */
  take(limit: number): Batch | undefined {
    for (const kind of ['revoked', 'changed'] as const) {
      if (this.#all.delete(kind)) {
        (kind === 'revoked' ? this.#revoked : this.#changed).clear();
        return { kind, names: 'all' };
      }
    }
    return takeFrom(this.#revoked, 'revoked', limit) ?? takeFrom(this.#changed, 'changed', limit);
  }
}

function takeFrom(
  pending: Map<string, string | undefined>,
  kind: AnnouncementKind,
  limit: number,
): Batch | undefined {
  const names = new Map<string, string | undefined>();
  for (const [secretName, version] of pending) {
    if (names.size === limit) break;
    names.set(secretName, version);
    pending.delete(secretName);
  }
  return names.size === 0 ? undefined : { kind, names };
}
