import type {
  DeleteOptions,
  SecretDescription,
  SecretMetadata,
  SecretReading,
  WriteOptions,
} from '../../../core/contract/custom-secret-manager';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { VaultCall } from '../options/vault-call';
import type { VaultAnswer } from '../wire/vault-answer';
import { isFromVault, serverMessageOf } from '../wire/vault-errors';

/** The operations of a secrets engine on one secret. */
export interface Engine {
  read(call: VaultCall): Promise<SecretReading | undefined>;
  readSync(call: VaultCall): SecretReading | undefined;
  write(call: VaultCall, value: string, options: WriteOptions): Promise<SecretMetadata>;
  delete(call: VaultCall, options: DeleteOptions): Promise<void>;
  describe(call: VaultCall): Promise<SecretDescription>;
}

/**
 * Returns whether the server reports a missing secret. A 404 with an error text, or from another server, is a
 * failure.
 */
export function isAbsent(answer: VaultAnswer): boolean {
  const { statusCode, content } = answer;
  if (statusCode === 404) {
    const { errors } = content ?? {};
    return Array.isArray(errors) && errors.length === 0 && serverMessageOf(answer) === '';
  }
  return statusCode === 400 && serverMessageOf(answer).includes('unknown role');
}

/** Returns whether a write or a deletion succeeded. A web page with status 200 is a failure. */
export function isDone(answer: VaultAnswer): boolean {
  const { statusCode } = answer;
  return statusCode === 204 || (statusCode === 200 && isFromVault(answer));
}

/** Returns the start of a message: the operation and the secret. */
export function subjectOf(doing: string, { mount, name }: VaultCall): string {
  return `${doing} ${quoteName(name)} of the mount ${quoteName(mount)}`;
}

export function unsupported(call: VaultCall, what: string): SecretManagerError {
  const engine = call.kvVersion === 1 ? 'KV version 1' : 'This engine';
  return new SecretManagerError('UNSUPPORTED', `${engine} ${what}.`);
}
