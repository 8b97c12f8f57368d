import { unlinkSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { quoteName } from '../../core/errors/wording';
import { now } from '../../core/time/clock';
import { UnusableFile, readRegularFile, readRegularFileSync } from '../../files/regular-file';
import { isDead, newOwner, parseOwner, type Owner, type SeenOwner } from './lock-owner';
import type { Patience } from './patience';
import { hasCode, misconfigured, unavailable } from './problems';

/** No write takes that long; where an owner cannot be asked whether it lives, it counts as dead after that. */
const LONGEST_HOLD_MS = 5_000;
const POLL_MS = 5;
/** No owner writes more into a lock. */
const MAX_BYTES = 4_096;

/** A lock as it was seen: the same one again has the same `incarnation`. */
interface Sighting {
  readonly incarnation: string;
  readonly owner: SeenOwner;
}

export interface HeldLock {
  /** A name for files that belong to whoever holds the lock. */
  readonly temporaryPath: string;
  /** Throws if the lock was taken away, because its owner slept for too long. */
  assertHeld(): void;
}

/**
 * Runs a task while no other process that asks for the same lock does.
 *
 * A lock is a file that is there. One that was left behind by a process that was killed is put away: at once if the process is
 * known to be dead, and after a few seconds without a change if it cannot be asked, as on another host.
 */
export async function withLock<T>(
  path: string,
  patience: Patience,
  task: (lock: HeldLock) => Promise<T>,
): Promise<T> {
  const owner = newOwner();
  await acquire(path, owner, patience);
  try {
    return await task({
      temporaryPath: temporaryPath(path, owner.id),
      assertHeld: () => assertHeld(path, owner),
    });
  } finally {
    release(path, owner);
  }
}

async function acquire(path: string, owner: Owner, patience: Patience): Promise<void> {
  let seen: (Sighting & { readonly since: number }) | undefined;
  while (!(await create(path, owner))) {
    const sighting = await look(path);
    if (sighting?.incarnation !== seen?.incarnation) {
      seen = sighting && { ...sighting, since: now() };
    }
    const isLeftBehind =
      seen !== undefined && (isDead(seen.owner) || now() - seen.since > LONGEST_HOLD_MS);
    if (seen !== undefined && isLeftBehind) await putAway(path, seen, patience);
    else await patience.pause(POLL_MS * (0.5 + Math.random()));
  }
}

async function create(path: string, owner: Owner): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(owner));
    } catch (thrown) {
      await rm(path, { force: true });
      throw thrown;
    } finally {
      await file.close();
    }
    return true;
  } catch (thrown) {
    if (hasCode(thrown, 'EEXIST')) return false;
    throw thrown;
  }
}

async function look(path: string): Promise<Sighting | undefined> {
  try {
    const { content, stats } = await readRegularFile(path, { maxBytes: MAX_BYTES });
    const text = content.toString('utf8');
    return { incarnation: `${stats.ino} ${stats.ctimeNs} ${text}`, owner: parseOwner(text) };
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT')) return undefined; // it was released meanwhile
    throw explain(thrown, path);
  }
}

/** Under a lock of its own: of two that find the same lock left behind, the second would remove the one that the first has made. */
async function putAway(
  path: string,
  { incarnation, owner }: Sighting,
  patience: Patience,
): Promise<void> {
  await withLock(`${path}.left-behind`, patience, async () => {
    if ((await look(path))?.incarnation !== incarnation) return;
    if (typeof owner.id === 'string') await rm(temporaryPath(path, owner.id), { force: true });
    await rm(path, { force: true });
  });
}

function assertHeld(path: string, owner: Owner): void {
  if (isHeld(path, owner)) return;
  throw unavailable(
    'The process stood still for so long that another one has taken over the lock of the store. Nothing was written; it may succeed later.',
  );
}

function release(path: string, owner: Owner): void {
  if (isHeld(path, owner)) unlinkSync(path);
}

function isHeld(path: string, owner: Owner): boolean {
  try {
    const { content } = readRegularFileSync(path, { maxBytes: MAX_BYTES });
    return content.toString('utf8') === JSON.stringify(owner);
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT')) return false;
    throw explain(thrown, path);
  }
}

function explain(thrown: unknown, path: string): unknown {
  if (!(thrown instanceof UnusableFile)) return thrown;
  return misconfigured(
    `${quoteName(path)} is not a file of a few bytes, as the lock of the store has to be. Remove it.`,
  );
}

function temporaryPath(path: string, id: string): string {
  return `${path}.${id}.tmp`;
}
