import { attempt, read } from './safe-access';
import type { SecretManagerErrorCode } from './secret-manager.error';

/** The codes by gRPC's status codes 1 to 16. A status without a counterpart follows gRPC's mapping to HTTP. */
const BY_GRPC_STATUS: Readonly<Record<number, SecretManagerErrorCode>> = {
  1: 'CANCELLED',
  2: 'UNKNOWN',
  3: 'INVALID_ARGUMENT',
  4: 'TIMEOUT', // DEADLINE_EXCEEDED
  5: 'NOT_FOUND',
  6: 'CONFLICT', // ALREADY_EXISTS
  7: 'ACCESS_DENIED', // PERMISSION_DENIED
  8: 'THROTTLED', // RESOURCE_EXHAUSTED
  9: 'INVALID_ARGUMENT', // FAILED_PRECONDITION
  10: 'CONFLICT', // ABORTED
  11: 'INVALID_ARGUMENT', // OUT_OF_RANGE
  12: 'UNSUPPORTED', // UNIMPLEMENTED
  13: 'UNAVAILABLE', // INTERNAL
  14: 'UNAVAILABLE',
  15: 'UNKNOWN', // DATA_LOSS: a retry does not bring the data back
  16: 'UNAUTHENTICATED',
};

/**
 * Returns the gRPC status of an error, or of its cause. A numeric `code` alone does not count, because a
 * `DOMException` has one, too. `details` or `metadata` must stand beside it.
 */
export function grpcStatusOf(thrown: unknown): number | undefined {
  return ownStatus(thrown) ?? ownStatus(read(thrown, 'cause'));
}

export function codeOfGrpcStatus(status: number | undefined): SecretManagerErrorCode | undefined {
  return status === undefined ? undefined : BY_GRPC_STATUS[status];
}

/**
 * Returns the delay that a gRPC server asks for, in milliseconds: the decoded `google.rpc.RetryInfo`, or the
 * pushback.
 */
export function grpcRetryDelayMs(thrown: unknown): number | undefined {
  const details = read(thrown, 'statusDetails');
  const delays = Array.isArray(details)
    ? details.map((detail) => durationMs(read(detail, 'retryDelay')))
    : [];
  const delayMs = delays.find((ms) => ms !== undefined) ?? pushbackMs(read(thrown, 'metadata'));
  return delayMs !== undefined && Number.isFinite(delayMs) && delayMs > 0 ? delayMs : undefined;
}

function ownStatus(thrown: unknown): number | undefined {
  const code = read(thrown, 'code');
  if (typeof code !== 'number' || !Object.hasOwn(BY_GRPC_STATUS, code)) return undefined;
  const hasDetails = ['details', 'metadata'].some((field) => read(thrown, field) !== undefined);
  return hasDetails ? code : undefined;
}

/**
 * Returns the milliseconds of `{ seconds, nanos }`, where seconds may be a string, or of JSON's form `3.5s`.
 */
function durationMs(duration: unknown): number | undefined {
  if (typeof duration === 'string') return Number(duration.replace(/s$/, '')) * 1_000;
  if (typeof duration !== 'object' || duration === null) return undefined;
  const { seconds, nanos } = { seconds: read(duration, 'seconds'), nanos: read(duration, 'nanos') };
  return numberOf(seconds) * 1_000 + numberOf(nanos) / 1e6;
}

function pushbackMs(metadata: unknown): number | undefined {
  const get = read(metadata, 'get');
  if (typeof get !== 'function') return undefined;
  const values = attempt(() => get.call(metadata, 'grpc-retry-pushback-ms') as unknown);
  return Array.isArray(values) && typeof values[0] === 'string' ? Number(values[0]) : undefined;
}

/** Returns the number of a number, of its text, or of a `Long`, and 0 for nothing. */
function numberOf(value: unknown): number {
  return Number(attempt(() => Number(value ?? 0)));
}
