import { read } from '../../../core/errors/safe-access';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';

/**
 * The error codes of a full, failing or over-quota disk, as Node and LMDB name them. LMDB reports a partial write as
 * EIO.
 */
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

/** Tells whether the file, or a folder in its path, is missing. */
export function isMissing(thrown: unknown): boolean {
  return hasCode(thrown, 'ENOENT') || hasCode(thrown, 'ENOTDIR');
}

export function isDenied(thrown: unknown): boolean {
  return hasCode(thrown, 'EACCES') || hasCode(thrown, 'EPERM');
}

export function hasCode(thrown: unknown, code: string): boolean {
  return read(thrown, 'code') === code;
}
