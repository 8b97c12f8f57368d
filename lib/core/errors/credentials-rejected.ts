import { statusesOf } from './http-facts';
import { attempt, read } from './safe-access';

const REJECTED_STATUSES: ReadonlySet<unknown> = new Set([401, 403]);

/**
 * The codes of a rejected login: PostgreSQL (`invalid_password`, `invalid_authorization_specification`), SMTP
 * in nodemailer, MySQL.
 */
const REJECTED_CODES: ReadonlySet<unknown> = new Set([
  '28P01',
  '28000',
  'EAUTH',
  'ER_ACCESS_DENIED_ERROR',
]);

/** The first word of an error of Redis or Valkey. */
const REJECTED_REPLY = /^(WRONGPASS|NOAUTH)\b/;

/** The properties by which clients keep the error of their driver. */
const WRAPPED_IN = ['cause', 'original', 'parent', 'driverError'] as const;

const MAX_DEPTH = 4;

/**
 * Returns whether an error means that the other side rejected the credentials: HTTP 401 and 403, PostgreSQL
 * 28P01 and 28000, `WRONGPASS` and `NOAUTH` of Redis, `EAUTH` of nodemailer, `ER_ACCESS_DENIED_ERROR` of MySQL.
 * An error that wraps such an error counts, too.
 */
export function credentialsRejected(error: unknown): boolean {
  return isRejection(error, MAX_DEPTH);
}

function isRejection(error: unknown, depth: number): boolean {
  if (depth === 0 || error === undefined || error === null) return false;
  if (statusesOf(error).some((status) => REJECTED_STATUSES.has(status))) return true;
  if (REJECTED_CODES.has(read(error, 'code'))) return true;
  const message = read(error, 'message');
  if (typeof message === 'string' && REJECTED_REPLY.test(message)) return true;
  return wrappedIn(error).some((wrapped) => isRejection(wrapped, depth - 1));
}

function wrappedIn(error: unknown): readonly unknown[] {
  const errors = read(error, 'errors'); // of an AggregateError
  const listed = attempt(() => (Array.isArray(errors) ? [...(errors as unknown[])] : []));
  return [...WRAPPED_IN.map((property) => read(error, property)), ...(listed ?? [])];
}
