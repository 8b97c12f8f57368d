import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { pause } from '../../../core/calls/waiting';
import { now } from '../../../core/time/clock';
import { hasCode, isMissing, unavailable } from '../files/problems';
import { parseJson } from '../seals/bucket';

const CONTEXT = { manager: 'encrypted-file', operation: 'validateEnvironment' };
const PATIENCE_MS = 30_000;
const POLL_MS = 1;
/** The age at which the lock of an unknown owner is stale. */
const LONGEST_HOLD_MS = 5_000;

/** The state of a lock at one moment. The same lock has the same incarnation. */
interface Sighting {
  readonly incarnation: string;
  readonly owner: { readonly pid?: unknown; readonly where?: unknown };
}

/**
 * Runs `work` while it holds the lock file of the releases before LMDB. A process of such a release would otherwise lose its
 * concurrent writes, or overwrite the new store with its own.
 */
export async function withFormat1Lock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  const text = JSON.stringify({ id: randomUUID(), pid: process.pid, where: here() });
  await acquire(lock, text);
  try {
    return await work();
  } finally {
    if (look(lock)?.incarnation.endsWith(text) === true) rmSync(lock, { force: true });
  }
}

async function acquire(lock: string, text: string): Promise<void> {
  const endsAt = now() + PATIENCE_MS;
  let seen: Sighting | undefined;
  let seenAt = 0;
  while (!isMade(lock, text)) {
    const sighting = look(lock);
    if (sighting?.incarnation !== seen?.incarnation) [seen, seenAt] = [sighting, now()];
    const isStale = seen !== undefined && (isDead(seen) || now() - seenAt > LONGEST_HOLD_MS);
    if (isStale && look(lock)?.incarnation === seen?.incarnation) rmSync(lock, { force: true });
    else if (now() >= endsAt) throw tooBusy();
    else await pause(POLL_MS, {}, CONTEXT);
  }
}

function isMade(lock: string, text: string): boolean {
  try {
    writeFileSync(lock, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (thrown) {
    if (hasCode(thrown, 'EEXIST')) return false;
    throw thrown;
  }
}

function look(lock: string): Sighting | undefined {
  try {
    const { ino, ctimeNs } = statSync(lock, { bigint: true });
    const text = readFileSync(lock);
    return { incarnation: `${ino} ${ctimeNs} ${text.toString('utf8')}`, owner: ownerOf(text) };
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
}

function ownerOf(text: Buffer): Sighting['owner'] {
  try {
    return parseJson(text) ?? {};
  } catch {
    return {}; // the owner was killed before it wrote the text
  }
}

function isDead({ owner: { pid, where } }: Sighting): boolean {
  if (typeof pid !== 'number' || where !== here()) return false;
  try {
    process.kill(pid, 0); // sends nothing
    return false;
  } catch (thrown) {
    return hasCode(thrown, 'ESRCH');
  }
}

/** Returns the host and its process namespace. A process id is unique only within them. */
function here(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname(); // other systems than Linux have no namespaces
  }
}

function tooBusy(): Error {
  return unavailable(
    'Processes of an earlier release were writing to the store for too long. Stop them, and start again.',
  );
}
