import { lstatSync, readlinkSync, realpathSync, type BigIntStats } from 'node:fs';
import { lstat, readlink, realpath } from 'node:fs/promises';
import { sep } from 'node:path';

/** Where Linux tells the path of everything that the process has open. */
export const DESCRIPTORS = '/proc/self/fd';

/** A file that was opened, and the path that led to it. */
export interface OpenedFile {
  readonly descriptor: number;
  readonly stats: BigIntStats;
  readonly path: string;
}

/**
 * Tells whether a file that is open lies inside a directory. The path by which it was opened may lead elsewhere by now, so
 * the file itself is judged: by the path that the system keeps for it, or, where the system tells none, by whether the same
 * file is found at that path before and after the path was resolved once more.
 */
export async function isInside(
  root: string,
  { descriptor, stats, path }: OpenedFile,
  descriptors = DESCRIPTORS,
): Promise<boolean> {
  const known = await readlink(`${descriptors}/${descriptor}`).catch(() => undefined);
  if (known !== undefined) return isBelow(root, known);
  const found = await lstat(path, { bigint: true });
  return isBelow(root, path) && isSame(found, stats) && (await realpath(path)) === path;
}

/** As {@link isInside}, blocking. */
export function isInsideSync(
  root: string,
  { descriptor, stats, path }: OpenedFile,
  descriptors = DESCRIPTORS,
): boolean {
  const known = linkOf(`${descriptors}/${descriptor}`);
  if (known !== undefined) return isBelow(root, known);
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
