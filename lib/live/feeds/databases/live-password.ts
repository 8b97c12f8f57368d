import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { errorName } from '../../../core/errors/error-table';
import { isSecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { assertIsLiveValue, type LiveValue } from '../live-value';

/**
 * Returns a function for the option `password` of `pg`, TypeORM (postgres), postgres.js and Prisma's `adapter-pg`.
 * These clients call it for each new connection, and so log in with the password of the moment.
 *
 * If the secret cannot be read, the connection fails with that error. postgres.js would end the process: there the
 * error is logged, and the server refuses the login.
 *
 * The user stays the same. Where it changes with the password, use `livePgClient`.
 */
export function livePassword(secret: LiveValue): () => Promise<string> {
  assertIsLiveValue('livePassword', secret);
  return async function password(this: unknown): Promise<string> {
    try {
      return await secret.get();
    } catch (error) {
      if (!isPostgresJs(this, password)) throw error;
      warn(secret.name, error);
      return passwordOfNobody();
    }
  };
}

/** Returns whether postgres.js calls, which handles no rejection. The function is the option `pass` of its caller. */
function isPostgresJs(caller: unknown, password: () => unknown): boolean {
  return typeof caller === 'object' && caller !== null && Reflect.get(caller, 'pass') === password;
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
