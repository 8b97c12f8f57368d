import { BY_NAME, BY_NODE_CODE, BY_STATUS, MEANING } from './error-codes';
import { codeOfGrpcStatus, grpcRetryDelayMs, grpcStatusOf } from './grpc-status';
import { isKnownCode } from './known-codes';
import { retryAfterHeader, statusesOf } from './http-facts';
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
  return statusesOf(thrown).find(
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
