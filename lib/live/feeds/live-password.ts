import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { errorName } from '../../core/errors/error-table';
import { isSecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { assertIsLiveValue, type LiveValue } from './live-value';

/**
 * Returns a function for the option `password` of `pg`, TypeORM (postgres), postgres.js and Prisma's `adapter-pg`.
 * These clients call it for each new connection, and so log in with the password of the moment.
 *
 * If the secret cannot be read, the connection fails with that error. postgres.js would end the process: there the
 * error is logged, and the server refuses the login.
 *
 * The user stays the same. Where it changes with the password, use `livePgClient`.
 */
export function livePassword(
  secret: LiveValue,
): (...ofConnection: readonly unknown[]) => Promise<string> {
  assertIsLiveValue('livePassword', secret);
  return async (...ofConnection) => {
    try {
      return await secret.get();
    } catch (error) {
      // pg passes its parameters, postgres.js passes nothing, and handles no rejection
      if (ofConnection.length > 0) throw error;
      warn(secret.name, error);
      return passwordOfNobody();
    }
  };
}

function passwordOfNobody(): string {
  return randomBytes(32).toString('base64url');
}

function warn(name: string, error: unknown): void {
  const why = isSecretManagerError(error) ? error.code : (errorName(error) ?? 'an error');
  new Logger('SecretManager').warn(
    `A connection has no password, because ${quoteName(name)} cannot be read: ${why}.`,
  );
}
