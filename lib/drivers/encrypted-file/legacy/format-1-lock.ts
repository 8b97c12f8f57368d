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
/** A lock of an owner that cannot be asked counts as left behind after that. */
const LONGEST_HOLD_MS = 5_000;

/** A lock as it was seen. The same lock has the same incarnation. */
interface Sighting {
  readonly incarnation: string;
  readonly owner: { readonly pid?: unknown; readonly where?: unknown };
}

/**
 * Runs `work` while no process of the release before LMDB writes: its lock is a file that is there. Such a process would lose
 * what it writes meanwhile, or put its own store over the new one.
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
    const isLeft = seen !== undefined && (isDead(seen) || now() - seenAt > LONGEST_HOLD_MS);
    if (isLeft && look(lock)?.incarnation === seen?.incarnation) rmSync(lock, { force: true });
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
    return {}; // its owner was killed before it could write
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

/** Names the host and its process namespace, in which a process id means something. */
function here(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname(); // it is not Linux
  }
}

function tooBusy(): Error {
  return unavailable(
    'Processes of an earlier release were writing to the store for too long. Stop them, and start again.',
  );
}
