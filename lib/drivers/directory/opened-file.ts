import { lstatSync, readlinkSync, realpathSync, type BigIntStats } from 'node:fs';
import { lstat, readlink, realpath } from 'node:fs/promises';
import { sep } from 'node:path';

/** The folder in which Linux shows the path of every open file of the process. */
export const DESCRIPTORS = '/proc/self/fd';

/** An open file, and the path that led to it. */
export interface OpenedFile {
  readonly descriptor: number;
  readonly stats: BigIntStats;
  readonly path: string;
}

/**
 * Tells whether an open file lies inside a directory. Its path may lead elsewhere by now, so the file itself is
 * checked. Linux knows the current path of an open file. On other systems, the path must still lead to this file, and
 * resolve to itself.
 */
export async function isInside(
  root: string,
  { descriptor, stats, path }: OpenedFile,
  descriptors = DESCRIPTORS,
): Promise<boolean> {
  const current = await readlink(`${descriptors}/${descriptor}`).catch(() => undefined);
  if (current !== undefined) return isBelow(root, current);
  const found = await lstat(path, { bigint: true });
  return isBelow(root, path) && isSame(found, stats) && (await realpath(path)) === path;
}

/** Checks a file like {@link isInside}, blocking. */
export function isInsideSync(
  root: string,
  { descriptor, stats, path }: OpenedFile,
  descriptors = DESCRIPTORS,
): boolean {
  const current = linkOf(`${descriptors}/${descriptor}`);
  if (current !== undefined) return isBelow(root, current);
  const found = lstatSync(path, { bigint: true });
  return isBelow(root, path) && isSame(found, stats) && realpathSync.native(path) === path;
}

export function isBelow(root: string, path: string): boolean {
  return path.startsWith(root.endsWith(sep) ? root : root + sep);
}

function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // the system has no such folder
  }
}
