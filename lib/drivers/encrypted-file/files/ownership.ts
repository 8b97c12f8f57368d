import { realpathSync, statSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { quoteName } from '../../../core/errors/wording';

const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_READ = 0o044;
const STICKY = 0o1000;
const ROOT = 0;

/** A problem with the owner or the mode of a file or folder. */
interface Violation {
  readonly problem: string;
  /** The command that fixes the problem. */
  readonly command: string;
}

/**
 * Returns a sentence for each problem with the files and their folders. They must belong to root or to the user of
 * the process, and others must not be able to write them. Missing files have no problems. Windows has no such modes,
 * so it has no problems either.
 */
export function ownershipProblems(paths: readonly string[]): string[] {
  const user = process.geteuid?.();
  if (user === undefined) return [];
  const files = new Set(paths.flatMap((path) => [path, realPath(path)]));
  const folders = new Set([...files].map((path) => dirname(path)));
  return [
    ...[...files].flatMap((path) => violations(path, user, fileModeViolation)),
    ...[...folders].flatMap((path) => violations(path, user, folderModeViolation)),
  ].map(({ problem, command }) => `${problem} Mend it: ${command}`);
}

/** Emits a process warning if others can read the key file. Docker mounts files in that way, so it is no error. */
export function warnOfReadableKey(path: string | undefined): void {
  if (path === undefined || process.geteuid === undefined) return;
  const mode = statsOf(path)?.mode ?? 0;
  if ((mode & OTHERS_MAY_READ) === 0) return;
  process.emitWarning(
    `The key file ${quoteName(path)} may be read by others than its owner. Unless it is mounted so: chmod 600 ${shellQuote(path)}`,
    { type: 'SecretManagerWarning', code: 'KEY_FILE_READABLE' },
  );
}

/** Quotes a path for a shell. */
export function shellQuote(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}

function violations(
  path: string,
  user: number,
  modeViolation: (path: string, stats: Stats) => Violation | undefined,
): readonly Violation[] {
  const stats = statsOf(path);
  if (stats === undefined) return [];
  const found = [ownerViolation(path, stats, user), modeViolation(path, stats)];
  return found.filter((violation) => violation !== undefined);
}

function ownerViolation(path: string, { uid }: Stats, user: number): Violation | undefined {
  if (uid === user || uid === ROOT) return undefined;
  return {
    problem: `${quoteName(path)} belongs to the user ${uid}, and the process runs as ${user}.`,
    command: `chown ${user} ${shellQuote(path)}`,
  };
}

function fileModeViolation(path: string, { mode }: Stats): Violation | undefined {
  if ((mode & OTHERS_MAY_WRITE) === 0) return undefined;
  return {
    problem: `${quoteName(path)} may be written by others than its owner.`,
    command: `chmod 600 ${shellQuote(path)}`,
  };
}

function folderModeViolation(path: string, { mode }: Stats): Violation | undefined {
  if ((mode & OTHERS_MAY_WRITE) === 0 || (mode & STICKY) !== 0) return undefined;
  return {
    problem: `The folder ${quoteName(path)} may be written by others than its owner, who can exchange the files in it.`,
    command: `chmod go-w ${shellQuote(path)}`,
  };
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // opening the file reports the reason
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
