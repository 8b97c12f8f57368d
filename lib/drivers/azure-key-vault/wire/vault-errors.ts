import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { isObject, jsonOf, type HttpAnswer } from '../../http/wire/http-request';
import { storeError, type ErrorDialect } from '../../http/wire/store-errors';
import { challengedResources } from './challenge';

const DIALECT: ErrorDialect = {
  store: 'Azure Key Vault',
  rows: [
    [
      403,
      /SecretDisabled/,
      'NOT_FOUND',
      'this version of the secret is disabled. Enable it, or write a new value',
    ],
    [
      403,
      /ForbiddenByFirewall/,
      'ACCESS_DENIED',
      'the firewall of the vault does not permit this network. Permit it there',
    ],
    [
      403,
      /ForbiddenByPolicy/,
      'ACCESS_DENIED',
      'no access policy of the vault permits it. Add one for the login',
    ],
    [
      403,
      'any',
      'ACCESS_DENIED',
      'no role of the login permits it, or the vault forbids it. Grant a role, such as "Key Vault Secrets User"',
    ],
    [404, /^SecretNotFound/, 'NOT_FOUND', 'there is no such secret'],
    [404, 'any', 'MISCONFIGURED', 'what answers there is no vault with secrets. Check vaultUrl'],
    [
      409,
      /ObjectIs/,
      'CONFLICT',
      'the secret is being deleted or recovered. Try it again in a minute',
    ],
  ],
  reasonOf: (answer) => {
    const codes = codesOf(answer);
    return codes ?? (challengedResources(answer).length > 0 ? 'Unauthorized' : undefined);
  },
};

// A 403 and a 404 of something else must not reach the rows above.
const FOREIGN: ErrorDialect = { ...DIALECT, rows: [] };

/** Returns the error for an answer of the vault. `subject` starts the message. */
export function vaultError(answer: HttpAnswer, subject: string): SecretManagerError {
  const isForeign = DIALECT.reasonOf(answer) === undefined;
  return storeError(answer, subject, isForeign ? FOREIGN : DIALECT);
}

/** Returns the error of a vault that asks for tokens of another resource. */
export function otherResource(resource: string): SecretManagerError {
  return new SecretManagerError(
    'MISCONFIGURED',
    `The vault asks for tokens of another resource than ${resource}: vaultUrl belongs to another cloud, or to another ` +
      'service. Check vaultUrl and authorityHost.',
  );
}

/** Returns whether the vault refused the token. */
export function isRefusedToken(answer: HttpAnswer): boolean {
  return answer.statusCode === 401 && DIALECT.reasonOf(answer) !== undefined;
}

/** Returns whether the vault says that it has no such secret, version or deleted secret. */
export function isAbsent(answer: HttpAnswer): boolean {
  return answer.statusCode === 404 && (codesOf(answer) ?? '').startsWith('SecretNotFound');
}

export function isDisabled(answer: HttpAnswer): boolean {
  return answer.statusCode === 403 && hasCode(answer, 'SecretDisabled');
}

/** Returns whether the vault knows the caller, and denies the request. */
export function isDenied(answer: HttpAnswer): boolean {
  return answer.statusCode === 403 && codesOf(answer) !== undefined && !isDisabled(answer);
}

/** A state in which the vault refuses to write or to purge a secret. */
export type Busy =
  'ObjectIsDeletedButRecoverable' | 'ObjectIsBeingDeleted' | 'ObjectIsBeingRecovered';

export function isBusy(answer: HttpAnswer, state: Busy): boolean {
  return answer.statusCode === 409 && hasCode(answer, state);
}

function hasCode(answer: HttpAnswer, code: string): boolean {
  return (codesOf(answer) ?? '').split(' ').includes(code);
}

/** Returns the codes of a refusal in the form of the vault, from the outer to the inner one. */
function codesOf(answer: HttpAnswer): string | undefined {
  const { error } = jsonOf(answer) ?? {};
  if (!isObject(error) || typeof error.code !== 'string') return undefined;
  const { innererror } = error;
  const inner = isObject(innererror) ? innererror.code : undefined;
  return typeof inner === 'string' ? `${error.code} ${inner}` : error.code;
}
