import { read } from '../../core/errors/safe-access';
import { SecretManagerError } from '../../core/errors/secret-manager.error';

export function misconfigured(message: string): SecretManagerError {
  return new SecretManagerError('MISCONFIGURED', message);
}

export function malformed(message: string): SecretManagerError {
  return new SecretManagerError('MALFORMED', message);
}

export function unavailable(message: string): SecretManagerError {
  return new SecretManagerError('UNAVAILABLE', message);
}

/** Whether a file, or a folder on the way to it, is not there. */
export function isMissing(thrown: unknown): boolean {
  return hasCode(thrown, 'ENOENT') || hasCode(thrown, 'ENOTDIR');
}

export function isDenied(thrown: unknown): boolean {
  return hasCode(thrown, 'EACCES') || hasCode(thrown, 'EPERM');
}

export function hasCode(thrown: unknown, code: string): boolean {
  return read(thrown, 'code') === code;
}
