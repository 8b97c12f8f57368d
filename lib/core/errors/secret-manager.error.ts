import { hasBrand, recogniseByBrand } from './brand';

/** Everything that can go wrong, as a closed list: decide by `code`, never by text. */
export const SECRET_MANAGER_ERROR_CODES = [
  'NOT_FOUND',
  'ACCESS_DENIED',
  'UNAUTHENTICATED',
  'THROTTLED',
  'UNAVAILABLE',
  'TIMEOUT',
  'CANCELLED',
  'MALFORMED',
  'INVALID_ARGUMENT',
  'CONFLICT',
  'NOT_PERMITTED',
  'UNSUPPORTED',
  'MISCONFIGURED',
  'ROTATION_INCOMPLETE',
  'UNKNOWN',
] as const;

export type SecretManagerErrorCode = (typeof SECRET_MANAGER_ERROR_CODES)[number];

/** A step of a rotation that has been carried out. */
export type RotationStep = 'written' | 'verified' | 'deleted';

/** What is known about a failure beside its code and text. Nothing in it may be secret. */
export interface SecretManagerErrorContext {
  /** The canonical name of the secret, where the failure concerns one. */
  readonly secretName?: string;
  /** `secretManagerName` of the manager that failed. */
  readonly manager?: string;
  /** The method that failed: `readSecret`, `get`, `forRoot`, ... */
  readonly operation?: string;
  /** `false` where a retry cannot help although the code is transient, as after the shutdown. Default: by the code. */
  readonly retryable?: boolean;
  /** How long the store asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
  /** With `ROTATION_INCOMPLETE`: the steps that have been carried out, in order. */
  readonly done?: readonly RotationStep[];
  /** With `ROTATION_INCOMPLETE`, and where a write that failed has changed the store: the code of the failure that ended it. */
  readonly causeCode?: SecretManagerErrorCode;
}

/** Which call it is about. */
export interface OperationContext extends SecretManagerErrorContext {
  readonly manager: string;
  readonly operation: string;
}

const BRAND = Symbol.for('nestjs-custom-secret-manager/error');
const CODES: ReadonlySet<unknown> = new Set(SECRET_MANAGER_ERROR_CODES);
const TRANSIENT: ReadonlySet<SecretManagerErrorCode> = new Set([
  'TIMEOUT',
  'UNAVAILABLE',
  'THROTTLED',
] as const);

/**
 * The one error that leaves this library. It carries neither the message nor the cause of what a manager threw, because
 * those may quote a token or a body.
 *
 * The author of a manager throws it to choose the code; its message travels on as it is, so it must hold nothing secret.
 * What is missing of `manager`, `operation` and `secretName` is filled in on the way out.
 */
export class SecretManagerError extends Error {
  readonly code: SecretManagerErrorCode;
  /** Whether the same call may succeed a little later: `TIMEOUT`, `UNAVAILABLE` and `THROTTLED`, except after the shutdown. */
  readonly retryable: boolean;
  readonly secretName?: string;
  readonly manager?: string;
  readonly operation?: string;
  readonly retryAfterMs?: number;
  readonly done?: readonly RotationStep[];
  readonly causeCode?: SecretManagerErrorCode;

  /** @param code one of {@link SECRET_MANAGER_ERROR_CODES}; anything else counts as `UNKNOWN` */
  constructor(
    code: SecretManagerErrorCode,
    message: string,
    context: SecretManagerErrorContext = {},
  ) {
    super(message);
    this.code = CODES.has(code) ? code : 'UNKNOWN';
    this.retryable = TRANSIENT.has(this.code) && context.retryable !== false;
    for (const field of CONTEXT_FIELDS) {
      if (context[field] !== undefined) Object.assign(this, { [field]: context[field] });
    }
  }
}

Object.defineProperty(SecretManagerError.prototype, 'name', { value: 'SecretManagerError' });
recogniseByBrand(SecretManagerError, BRAND);

const CONTEXT_FIELDS = [
  'secretName',
  'manager',
  'operation',
  'retryAfterMs',
  'done',
  'causeCode',
] as const satisfies readonly (keyof SecretManagerErrorContext)[];

/** Tells a `SecretManagerError` by its brand, so that one thrown by another copy of this package counts too. */
export function isSecretManagerError(thrown: unknown): thrown is SecretManagerError {
  return hasBrand(thrown, BRAND);
}

/** Returns whether what was thrown is a failure with this code. */
export function hasCode(thrown: unknown, code: SecretManagerErrorCode): boolean {
  return isSecretManagerError(thrown) && thrown.code === code;
}

/** Returns whether the failure may be gone a little later. */
export function isTransient(thrown: unknown): boolean {
  return isSecretManagerError(thrown) && TRANSIENT.has(thrown.code) && thrown.retryable;
}
