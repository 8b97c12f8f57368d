import { read } from '../../../core/errors/safe-access';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';

/** The errors of a disk that is full, over its quota or failing, as Node and as LMDB name them. LMDB makes EIO of half a write. */
const DISK_ERRORS: ReadonlySet<unknown> = new Set([
  'EIO',
  'EFBIG',
  'ENOSPC',
  'EDQUOT',
  ...[5, 27, 28, 122],
]);

export function isDiskError(code: unknown): boolean {
  return DISK_ERRORS.has(code);
}

export function misconfigured(message: string): SecretManagerError {
  return new SecretManagerError('MISCONFIGURED', message);
}

export function malformed(message: string): SecretManagerError {
  return new SecretManagerError('MALFORMED', message);
}

export function unavailable(message: string): SecretManagerError {
  return new SecretManagerError('UNAVAILABLE', message);
}

/** Tells whether a file, or a folder on the way to it, is missing. */
export function isMissing(thrown: unknown): boolean {
  return hasCode(thrown, 'ENOENT') || hasCode(thrown, 'ENOTDIR');
}

export function isDenied(thrown: unknown): boolean {
  return hasCode(thrown, 'EACCES') || hasCode(thrown, 'EPERM');
}

export function hasCode(thrown: unknown, code: string): boolean {
  return read(thrown, 'code') === code;
}
