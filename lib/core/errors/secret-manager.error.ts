import { hasBrand, recogniseByBrand } from './brand';

/** The closed list of error codes. Decide by `code`, never by text. */
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

/** A completed step of a rotation. */
export type RotationStep = 'written' | 'verified' | 'deleted';

/** The facts about a failure beside its code and text. None may be secret. */
export interface SecretManagerErrorContext {
  /** The canonical name of the secret, if the failure concerns one. */
  readonly secretName?: string;
  /** `secretManagerName` of the manager that failed. */
  readonly manager?: string;
  /** The method that failed: `readSecret`, `get`, `forRoot`, ... */
  readonly operation?: string;
  /**
   * `false` if a retry cannot help although the code is transient, as after the shutdown. Default: by the code.
   */
  readonly retryable?: boolean;
  /** The time for which the store wants no further call, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The completed steps in order, with `ROTATION_INCOMPLETE`. */
  readonly done?: readonly RotationStep[];
  /**
   * The code of the underlying failure, with `ROTATION_INCOMPLETE` and for a failed write that has changed the
   * store.
   */
  readonly causeCode?: SecretManagerErrorCode;
}

/** The call that an error is about. */
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
 * The one error that leaves this library. The message and the cause of the original error are withheld, because
 * they may quote a token or a body.
 *
 * The author of a manager throws it to choose the code. Its message is shown unchanged, so it must hold nothing
 * secret. The library adds `manager`, `operation` and `secretName` if they are missing.
 */
export class SecretManagerError extends Error {
  readonly code: SecretManagerErrorCode;
  /**
   * `true` if the same call may succeed later: `TIMEOUT`, `UNAVAILABLE` and `THROTTLED`, except after the
   * shutdown.
   */
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

/**
 * Recognises a `SecretManagerError` by its brand, so that an error from another copy of this package counts,
 * too.
 */
export function isSecretManagerError(thrown: unknown): thrown is SecretManagerError {
  return hasBrand(thrown, BRAND);
}

/** Returns whether a thrown value is a failure with this code. */
export function hasCode(thrown: unknown, code: SecretManagerErrorCode): boolean {
  return isSecretManagerError(thrown) && thrown.code === code;
}

/** Returns whether a retry of the failed call may succeed. */
export function isTransient(thrown: unknown): boolean {
  return isSecretManagerError(thrown) && TRANSIENT.has(thrown.code) && thrown.retryable;
}
