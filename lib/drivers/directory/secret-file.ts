import type { BigIntStats } from 'node:fs';
import type { SecretReading } from '../../core/contract/custom-secret-manager';
import { read } from '../../core/errors/safe-access';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { assertSecretName } from '../../core/validation/secret-name';
import { UnusableFile, type RegularFile } from '../../files/regular-file';
import { isBelow } from './opened-file';

/** The size limit of a file. No secret is as long, and a wrong path must not load gigabytes. */
export const MAX_BYTES = 1_048_576;

/** The error codes for a missing file. A missing folder in its path, or a file in its place, counts, too. */
const ABSENCES: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

const DENIALS: ReadonlySet<unknown> = new Set(['EACCES', 'EPERM']);

export function isAbsence(thrown: unknown): boolean {
  return ABSENCES.has(read(thrown, 'code'));
}

/**
 * Throws `INVALID_ARGUMENT` for a name that leads out of the directory, or into the version folders of Kubernetes.
 */
export function assertNamesFile(secretName: string): void {
  assertSecretName(secretName);
  if (!secretName.split('/').some((segment) => segment.startsWith('..'))) return;
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `The secret name ${quoteName(secretName)} has a part that begins with two dots, as only folders of Kubernetes do. ` +
      'It is the path of a file below the directory of secrets.',
  );
}

/**
 * Throws `ACCESS_DENIED` for a path outside of the root.
 *
 * @param path the path after all links have been followed
 */
export function assertInside(root: string, path: string, secretName: string): void {
  if (isBelow(root, path)) return;
  throw new SecretManagerError(
    'ACCESS_DENIED',
    `${quoteName(secretName)} is a link that leads out of the directory of secrets, and is not followed. Put the file itself there.`,
  );
}

/** Returns the error for a file that was exchanged each time it was opened, as by an attacker. */
export function exchanged(secretName: string): SecretManagerError {
  return new SecretManagerError(
    'ACCESS_DENIED',
    `The file of ${quoteName(secretName)} was exchanged whenever it was opened, for one outside of the directory of secrets. ` +
      'It was not read. Check who may write to the directory.',
  );
}

/** Translates the errors of a look-up. Returns other errors unchanged: the common rules translate them. */
export function explain(thrown: unknown, secretName: string): unknown {
  if (thrown instanceof UnusableFile) {
    return thrown.problem === 'too large'
      ? malformed(secretName, `is larger than ${MAX_BYTES} bytes`, 'Check the path.')
      : malformed(secretName, 'is a folder, or no file at all', 'Name a file below it.');
  }
  const code = read(thrown, 'code');
  if (DENIALS.has(code)) return denied(`the file of ${quoteName(secretName)}`);
  if (code !== 'ELOOP') return thrown;
  return malformed(secretName, 'is a link that leads to itself', 'Put a file there.');
}

/** Returns the version of a file, which discloses nothing of its content. */
export function versionOf({ ino, mtimeNs, size }: BigIntStats): string {
  return [ino, mtimeNs, size].map((part) => part.toString(36)).join('-');
}

export function toReading(
  { content, stats }: RegularFile,
  secretName: string,
  keepsNewline: boolean,
): SecretReading {
  const text = decode(content, secretName);
  return {
    value: keepsNewline ? text : text.replace(/\r?\n$/, ''),
    version: versionOf(stats),
  };
}

/** Decodes UTF-8. Drops a byte order mark: an editor puts it there, and it is no part of the secret. */
function decode(content: Uint8Array, secretName: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    throw malformed(secretName, 'is not UTF-8', 'Store what is binary as base64.');
  }
}

/** Translates the errors of opening the directory itself. */
export function explainMount(thrown: unknown, path: string): unknown {
  if (DENIALS.has(read(thrown, 'code'))) return denied(`the directory ${quoteName(path)}`);
  if (!isAbsence(thrown)) return thrown;
  return new SecretManagerError(
    'UNAVAILABLE',
    `The directory of secrets, ${quoteName(path)}, is not there. Check that it is still mounted.`,
  );
}

function denied(what: string): SecretManagerError {
  return new SecretManagerError(
    'ACCESS_DENIED',
    `The user of the process may not read ${what}. Grant it that, as with \`defaultMode\` in Kubernetes.`,
  );
}

function malformed(secretName: string, problem: string, remedy: string): SecretManagerError {
  return new SecretManagerError(
    'MALFORMED',
    `The file of ${quoteName(secretName)} ${problem}. ${remedy}`,
  );
}
