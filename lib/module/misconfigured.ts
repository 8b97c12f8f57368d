import { SecretManagerError } from '../core/errors/secret-manager.error';

/** Returns the error of a declaration in the application. Its manager is not known yet. */
export function misconfigured(operation: string, message: string): SecretManagerError {
  return new SecretManagerError('MISCONFIGURED', message, { manager: 'unknown', operation });
}
