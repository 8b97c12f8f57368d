import { readSync } from 'node:fs';
import { quoteName } from '../../../core/errors/wording';
import { withRegularFileSync } from '../../../files/regular-file';
import { explain } from '../files/explain';
import { malformed, misconfigured } from '../files/problems';
import { isOfFormat1 } from '../legacy/format-1';
import { Damage, ForeignPages, Outdated } from '../pages/damage';
import { PageFile } from '../pages/page-file';

/** The attempts to read a snapshot that commits of other processes overwrite. */
const ATTEMPTS = 100;
const BEGINNING_BYTES = 64;

/**
 * Reads the current state of a store. Retries if a commit of another process has reused its pages meanwhile. Throws
 * `MALFORMED` for damage, and `UNAVAILABLE` for a missing store.
 */
export function readSnapshot<T>(path: string, use: (file: PageFile) => T): T {
  for (let attempt = 1; ; attempt++) {
    try {
      return withRegularFileSync(path, ({ descriptor }) => readOnce(path, descriptor, use));
    } catch (thrown) {
      const isRetried = thrown instanceof Overwritten && attempt < ATTEMPTS;
      if (!isRetried) throw explain(thrown instanceof Overwritten ? damaged(path) : thrown, path);
    }
  }
}

/** Reads the first bytes of a file. They identify the kind of store. */
export function beginningOf(path: string): Buffer {
  return withRegularFileSync(path, ({ descriptor }) => readBeginning(descriptor));
}

/** Thrown if a commit has overwritten the pages of a snapshot. */
class Overwritten extends Error {}

function readOnce<T>(path: string, descriptor: number, use: (file: PageFile) => T): T {
  let file: PageFile | undefined;
  try {
    file = new PageFile(descriptor);
    return use(file);
  } catch (thrown) {
    if (thrown instanceof ForeignPages) throw newerRelease();
    const isDamage = thrown instanceof Damage || thrown instanceof RangeError;
    if (!isDamage) throw thrown;
    if (file === undefined) throw notOfThisKind(path, readBeginning(descriptor));
    if (hasNewCommit(file)) throw new Overwritten();
    throw thrown instanceof Outdated ? outdated(path) : damaged(path);
  }
}

function hasNewCommit(file: PageFile): boolean {
  try {
    return file.hasNewCommit();
  } catch {
    return false; // the damage is in the meta pages, too
  }
}

function readBeginning(descriptor: number): Buffer {
  const bytes = Buffer.alloc(BEGINNING_BYTES);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, BEGINNING_BYTES, 0));
}

function notOfThisKind(path: string, beginning: Buffer): Error {
  if (isOfFormat1(beginning)) {
    return misconfigured(
      `The store at ${quoteName(path)} has the format of an earlier release. Start the manager by \`validateEnvironment\`, ` +
        'which takes it over.',
    );
  }
  return malformed(
    `${quoteName(path)} is not a store of this kind, or its beginning was changed. It is left as it is; check the \`path\`, or ` +
      'restore it from a backup.',
  );
}

function newerRelease(): Error {
  return misconfigured(
    'The store was made by a newer release of this package. Update the package; the store is left as it is.',
  );
}

function outdated(path: string): Error {
  return malformed(
    `The store at ${quoteName(path)} is older than this process has seen it: somebody has put an older state in its place. If ` +
      'it was restored from a backup, start the process again.',
  );
}

function damaged(path: string): Error {
  return malformed(
    `The store at ${quoteName(path)} is damaged or was changed by somebody without its key. It is left as it is; restore it ` +
      'from a backup.',
  );
}
