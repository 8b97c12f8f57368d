import { codeOfGrpcStatus, grpcRetryDelayMs, grpcStatusOf } from './grpc-status';
import { isKnownCode } from './known-codes';
import { retryAfterHeader } from './retry-after-header';
import { read } from './safe-access';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
  type RotationStep,
  type SecretManagerErrorCode,
} from './secret-manager.error';
import { putFramesOnTop } from './stack-frames';
import { quoteName } from './wording';

/** The codes by the name of the thrown error: the platform's own errors first, then those of the AWS SDK. */
const BY_NAME: Readonly<Record<string, SecretManagerErrorCode>> = {
  TimeoutError: 'TIMEOUT',
  AbortError: 'CANCELLED',
  SyntaxError: 'MALFORMED', // from JSON.parse, which quotes its input
  AccessDeniedException: 'ACCESS_DENIED',
  CredentialsProviderError: 'UNAUTHENTICATED',
  DecryptionFailure: 'ACCESS_DENIED',
  ExpiredTokenException: 'UNAUTHENTICATED',
  IncompleteSignature: 'UNAUTHENTICATED',
  InternalServiceError: 'UNAVAILABLE',
  InvalidClientTokenId: 'UNAUTHENTICATED',
  InvalidParameterException: 'INVALID_ARGUMENT',
  InvalidRequestException: 'INVALID_ARGUMENT',
  InvalidSignatureException: 'UNAUTHENTICATED',
  MissingAuthenticationTokenException: 'UNAUTHENTICATED',
  RequestTimeoutException: 'TIMEOUT',
  ResourceExistsException: 'CONFLICT',
  ResourceNotFoundException: 'NOT_FOUND',
  ServiceUnavailableException: 'UNAVAILABLE',
  ThrottlingException: 'THROTTLED',
  TooManyRequestsException: 'THROTTLED',
  UnrecognizedClientException: 'UNAUTHENTICATED',
  ValidationException: 'INVALID_ARGUMENT',
};

/**
 * The codes by the `code` of Node, OpenSSL or undici. A key that ends in `_` stands for all codes that begin
 * with it.
 */
const BY_NODE_CODE: Readonly<Record<string, SecretManagerErrorCode>> = {
  EACCES: 'ACCESS_DENIED',
  EPERM: 'ACCESS_DENIED',
  EROFS: 'ACCESS_DENIED',
  EAI_AGAIN: 'UNAVAILABLE',
  EBUSY: 'UNAVAILABLE',
  ECONNABORTED: 'UNAVAILABLE',
  ECONNREFUSED: 'UNAVAILABLE',
  ECONNRESET: 'UNAVAILABLE',
  EDQUOT: 'UNAVAILABLE',
  EHOSTDOWN: 'UNAVAILABLE',
  EHOSTUNREACH: 'UNAVAILABLE',
  EIO: 'UNAVAILABLE',
  EMFILE: 'UNAVAILABLE',
  ENETDOWN: 'UNAVAILABLE',
  ENETRESET: 'UNAVAILABLE',
  ENETUNREACH: 'UNAVAILABLE',
  ENFILE: 'UNAVAILABLE',
  ENOSPC: 'UNAVAILABLE',
  ENOTFOUND: 'UNAVAILABLE',
  EPIPE: 'UNAVAILABLE',
  ESTALE: 'UNAVAILABLE',
  UND_ERR_CLOSED: 'UNAVAILABLE',
  UND_ERR_DESTROYED: 'UNAVAILABLE',
  ERR_STREAM_PREMATURE_CLOSE: 'UNAVAILABLE',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'UNAVAILABLE',
  UND_ERR_SOCKET: 'UNAVAILABLE',
  ESOCKETTIMEDOUT: 'TIMEOUT',
  ETIMEDOUT: 'TIMEOUT',
  UND_ERR_BODY_TIMEOUT: 'TIMEOUT',
  UND_ERR_CONNECT_TIMEOUT: 'TIMEOUT',
  UND_ERR_HEADERS_TIMEOUT: 'TIMEOUT',
  ABORT_ERR: 'CANCELLED',
  UND_ERR_ABORTED: 'CANCELLED',
  CERT_CHAIN_TOO_LONG: 'MISCONFIGURED',
  CERT_HAS_EXPIRED: 'MISCONFIGURED',
  CERT_NOT_YET_VALID: 'MISCONFIGURED',
  CERT_REJECTED: 'MISCONFIGURED',
  CERT_REVOKED: 'MISCONFIGURED',
  CERT_SIGNATURE_FAILURE: 'MISCONFIGURED',
  CERT_UNTRUSTED: 'MISCONFIGURED',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'MISCONFIGURED',
  EPROTO: 'MISCONFIGURED',
  HOSTNAME_MISMATCH: 'MISCONFIGURED',
  INVALID_CA: 'MISCONFIGURED',
  ERR_SSL_: 'MISCONFIGURED',
  ERR_TLS_: 'MISCONFIGURED',
  SELF_SIGNED_CERT_IN_CHAIN: 'MISCONFIGURED',
  UNABLE_TO_GET_ISSUER_CERT: 'MISCONFIGURED',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'MISCONFIGURED',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'MISCONFIGURED',
  UND_ERR_PRX_TLS: 'MISCONFIGURED',
};

const BY_STATUS: Readonly<Record<number, SecretManagerErrorCode>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'ACCESS_DENIED',
  404: 'NOT_FOUND',
  408: 'TIMEOUT',
  409: 'CONFLICT',
  412: 'UNAVAILABLE',
  422: 'INVALID_ARGUMENT',
  425: 'UNAVAILABLE',
  429: 'THROTTLED',
  501: 'UNSUPPORTED',
  504: 'TIMEOUT',
};

/** The meaning of each code, and the remedy. */
const MEANING: Readonly<Record<SecretManagerErrorCode, string>> = {
  NOT_FOUND:
    'the store answered "not found" as an error. Check the address; a manager says that a secret is absent by answering undefined',
  ACCESS_DENIED: 'the store refused access. Grant the application this secret',
  UNAUTHENTICATED: "the store did not accept the manager's credentials. Renew them",
  THROTTLED: 'the store asks for fewer calls. It may succeed later',
  UNAVAILABLE: 'the store could not be reached or could not answer. It may succeed later',
  TIMEOUT: 'the store did not answer in time. It may succeed later',
  CANCELLED: 'the call was ended early',
  MALFORMED: 'the answer was not understood',
  INVALID_ARGUMENT: 'the store refused the request as wrong',
  CONFLICT: 'the secret exists already, or was changed by somebody else',
  NOT_PERMITTED: 'the settings do not permit it',
  UNSUPPORTED: 'the store cannot do this',
  MISCONFIGURED: 'a secure connection could not be made. Check the certificates and the address',
  ROTATION_INCOMPLETE: 'the rotation was not completed',
  UNKNOWN:
    'it threw something that no rule covers, as a bug would. Throw a SecretManagerError to choose the code, or set the `debug` option to see the original',
};

/** The key of the method, the host and the path of a failed request, on an error of our drivers. */
export const FAILED_REQUEST = Symbol('failed request');

/**
 * Translates an error that a manager threw. The text of the error is withheld, except that of a {@link
 * SecretManagerError}.
 */
export function translateError(thrown: unknown, context: OperationContext): SecretManagerError {
  const error = isSecretManagerError(thrown)
    ? copyError(thrown, context)
    : replace(thrown, context);
  Error.captureStackTrace(error, translateError); // the stack begins with the caller of the manager
  putFramesOnTop(thrown, error);
  return error;
}

function replace(thrown: unknown, context: OperationContext): SecretManagerError {
  const origin = describe(thrown);
  const code = classify(thrown, origin);
  return new SecretManagerError(code, messageOf(code, origin, context), {
    ...context,
    retryAfterMs: retryAfterMs(thrown) ?? grpcRetryDelayMs(thrown),
  });
}

/**
 * The facts that the error reports about the original. None is free text, because a token can look like a class
 * name or a code.
 */
interface Origin {
  /** An identifier that ends in `Error` or `Exception`, or a name of the table. */
  readonly name?: string;
  /** A code that a table knows. */
  readonly code?: string;
  readonly httpStatus?: number;
  readonly grpcStatus?: number;
  readonly request?: string;
}

function describe(thrown: unknown): Origin {
  return {
    name: className(read(thrown, 'name')),
    code: knownCode(read(thrown, 'code')) ?? knownCode(read(read(thrown, 'cause'), 'code')),
    httpStatus: statusOf(thrown),
    grpcStatus: grpcStatusOf(thrown),
    request: onlyString(read(thrown, FAILED_REQUEST)),
  };
}

function classify(thrown: unknown, { httpStatus, grpcStatus }: Origin): SecretManagerErrorCode {
  const cause = read(thrown, 'cause');
  return (
    lookUp(BY_NAME, read(thrown, 'name')) ??
    codeOfNode(read(thrown, 'code')) ??
    codeOfNode(read(cause, 'code')) ??
    lookUp(BY_NAME, read(cause, 'name')) ??
    codeOfStatus(httpStatus) ??
    codeOfGrpcStatus(grpcStatus) ??
    'UNKNOWN'
  );
}

function codeOfNode(code: unknown): SecretManagerErrorCode | undefined {
  if (typeof code !== 'string') return undefined;
  return lookUp(BY_NODE_CODE, code.replace(/^(ERR_(?:SSL|TLS)_).*$/, '$1'));
}

function codeOfStatus(status: number | undefined): SecretManagerErrorCode | undefined {
  if (status === undefined) return undefined;
  return BY_STATUS[status] ?? (status >= 500 && status <= 599 ? 'UNAVAILABLE' : undefined);
}

function messageOf(
  code: SecretManagerErrorCode,
  { name, code: nodeCode, httpStatus, grpcStatus, request }: Origin,
  { manager, operation, secretName }: OperationContext,
): string {
  const statuses = [httpStatus && `HTTP ${httpStatus}`, grpcStatus && `gRPC ${grpcStatus}`];
  const seen = [name, nodeCode, ...statuses, request].filter(Boolean).join(', ');
  const subject = secretName === undefined ? '' : ` of ${quoteName(secretName)}`;
  return `${manager}.${operation}()${subject} failed: ${MEANING[code]}.${seen && ` (${seen})`}`;
}

/** Copies the error, because the original may be frozen, shared, or from another copy of this package. */
function copyError(thrown: SecretManagerError, context: OperationContext): SecretManagerError {
  const text = (field: string): string | undefined => onlyString(read(thrown, field));
  const done = read(thrown, 'done');
  const after = read(thrown, 'retryAfterMs');
  return new SecretManagerError(text('code') as SecretManagerErrorCode, text('message') ?? '', {
    secretName: text('secretName') ?? context.secretName,
    manager: text('manager') ?? context.manager,
    operation: text('operation') ?? context.operation,
    retryable: read(thrown, 'retryable') === false ? false : undefined,
    retryAfterMs: typeof after === 'number' && after > 0 && after < Infinity ? after : undefined,
    done: Array.isArray(done) ? (done as RotationStep[]) : undefined,
    causeCode: text('causeCode') as SecretManagerErrorCode | undefined,
  });
}

/** Returns the milliseconds of the `Retry-After` in the headers of an error or of its response. */
export function retryAfterMs(thrown: unknown): number | undefined {
  const headers =
    read(thrown, 'headers') ??
    read(read(thrown, 'response'), 'headers') ??
    read(read(thrown, '$response'), 'headers'); // the AWS SDK
  return parseRetryAfter(retryAfterHeader(headers));
}

/**
 * Returns the milliseconds of a `Retry-After` in seconds or as a date. Returns `undefined` for 0, a past date,
 * or other text.
 */
export function parseRetryAfter(value: unknown): number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const seconds = Number(value);
  const ms = Number.isNaN(seconds) ? Date.parse(String(value)) - Date.now() : seconds * 1000;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

function statusOf(thrown: unknown): number | undefined {
  const candidates = [
    read(thrown, 'status'),
    read(thrown, 'statusCode'),
    read(read(thrown, 'response'), 'status'),
    read(read(thrown, 'response'), 'statusCode'),
    read(read(thrown, '$metadata'), 'httpStatusCode'),
  ];
  return candidates.find(
    (status): status is number =>
      Number.isInteger(status) && Number(status) >= 100 && Number(status) <= 599,
  );
}

function lookUp(
  table: Readonly<Record<string, SecretManagerErrorCode>>,
  key: unknown,
): SecretManagerErrorCode | undefined {
  return typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined;
}

function onlyString(candidate: unknown): string | undefined {
  return typeof candidate === 'string' ? candidate : undefined;
}

/** Returns the class of an error for a log, unless the name could be a secret. */
export function errorName(thrown: unknown): string | undefined {
  return className(read(thrown, 'name'));
}

function className(candidate: unknown): string | undefined {
  if (typeof candidate !== 'string') return undefined;
  const isOne = CLASS_NAME.test(candidate) || Object.hasOwn(BY_NAME, candidate);
  return isOne ? candidate : undefined;
}

function knownCode(candidate: unknown): string | undefined {
  if (typeof candidate !== 'string') return undefined;
  const isKnown = [BY_NODE_CODE, BY_NAME].some((table) => Object.hasOwn(table, candidate));
  return isKnown || isKnownCode(candidate) ? candidate : undefined;
}

const CLASS_NAME = /^(?=[\w$]{1,64}$)(?:[A-Za-z_$][\w$]*)?(?:Error|Exception)$/;
