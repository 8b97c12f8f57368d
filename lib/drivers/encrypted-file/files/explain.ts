import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { UnusableFile } from '../../../files/regular-file';
import { isDenied, isMissing, malformed, unavailable } from './problems';

/**
 * Returns the error for a store that is missing, denied, or not a file. Returns other errors unchanged: the common
 * rules translate them.
 */
export function explain(thrown: unknown, path: string): unknown {
  if (thrown instanceof UnusableFile) {
    return malformed(`${quoteName(path)} is not a file. Check the \`path\`.`);
  }
  if (isDenied(thrown)) {
    return new SecretManagerError(
      'ACCESS_DENIED',
      `The user of the process may not read the store at ${quoteName(path)}. Grant it that, or start the process as the owner.`,
    );
  }
  if (!isMissing(thrown)) return thrown;
  return unavailable(
    `There is no store at ${quoteName(path)}. Check that its folder is mounted; a new one is made at start only.`,
  );
}
