import { isSecretManagerError, SecretManagerError } from '../../core/errors/secret-manager.error';
import { translateError } from '../../core/errors/error-table';

/** Checks one part of a manager. */
export type Check = () => void | Promise<void>;

/**
 * Runs every check, and rejects with `MISCONFIGURED` and the problems of all. A single failure is thrown as it is. The
 * text of an error without a code is withheld.
 */
export async function runChecks(manager: string, checks: readonly Check[]): Promise<void> {
  const failures: unknown[] = [];
  for (const check of checks) {
    try {
      await check();
    } catch (thrown) {
      failures.push(thrown);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length === 0) return;
  const context = { manager, operation: 'validateEnvironment' };
  const problems = failures.map((thrown) =>
    isSecretManagerError(thrown) ? thrown.message : translateError(thrown, context).message,
  );
  throw new SecretManagerError('MISCONFIGURED', problems.join('\n'), context);
}
