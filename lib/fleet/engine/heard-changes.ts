import type { FleetEntry } from '../../policies/compose';
import type { NameIndex } from '../name-index';
import type { AcceptedMessage } from '../wire/message-check';
import type { Resync } from './resync';

export interface HeardChangesOptions {
  /** The pipeline of this instance. */
  readonly changes: FleetEntry;
  readonly names: NameIndex;
  readonly resync: Resync;
  readonly spreadMs: number;
}

/** Applies the changes of the other instances to the caches of this one. */
export class HeardChanges {
  readonly #options: HeardChangesOptions;

  constructor(options: HeardChangesOptions) {
    this.#options = options;
  }

  apply({ message: { kind, entries }, key, isAfterGap }: AcceptedMessage): void {
    const { changes, names, resync, spreadMs } = this.#options;
    if (isAfterGap) resync.request();
    if (kind === 'heartbeat') return;
    if (entries === 'all') {
      if (kind === 'changed') resync.request();
      else changes.revoke(undefined, { source: 'fleet', spreadMs });
      return;
    }
    for (const { name: digest, version: announced } of entries) {
      const secretName = names.nameOf(digest, key);
      if (secretName === undefined) continue;
      const isCurrent = (version: string): boolean =>
        announced !== undefined && key.digestOfVersion(secretName, version).equals(announced);
      const change = { source: 'fleet', spreadMs, isCurrent } as const;
      if (kind === 'changed') changes.expire(secretName, change);
      else changes.revoke(secretName, change);
    }
  }
}
