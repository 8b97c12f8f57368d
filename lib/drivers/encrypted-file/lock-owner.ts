import { randomUUID } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { hasCode } from './problems';

/** A path is made of it, so nothing else is believed to be one. */
const UUID = /^[0-9a-f-]{36}$/;

/** Who holds a lock: what it writes into the lock's file. */
export interface Owner {
  readonly id: string;
  readonly pid: number;
  /** The host, and the process namespace of it, in which `pid` means something. */
  readonly where: string;
}

/** What a lock's file says of its owner, as far as it can be read. */
export type SeenOwner = Partial<Record<keyof Owner, unknown>>;

export function newOwner(): Owner {
  return { id: randomUUID(), pid: process.pid, where: here() };
}

/** Whether it is certain that the process is gone. */
export function isDead({ pid, where }: SeenOwner): boolean {
  if (typeof pid !== 'number' || where !== here()) return false;
  try {
    process.kill(pid, 0); // asks, and does nothing to it
    return false;
  } catch (thrown) {
    return hasCode(thrown, 'ESRCH');
  }
}

export function parseOwner(text: string): SeenOwner {
  try {
    const { id, pid, where } = JSON.parse(text) as SeenOwner;
    return { id: UUID.test(String(id)) ? id : undefined, pid, where };
  } catch {
    return {}; // its owner was killed before it could write
  }
}

/** Containers of one pod share a host name, and see different processes under the same number. */
function here(): string {
  try {
    return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname(); // it is not Linux
  }
}
