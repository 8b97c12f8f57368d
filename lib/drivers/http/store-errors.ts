import { parseRetryAfter } from '../../core/errors/error-table';
import {
  SecretManagerError,
  type SecretManagerErrorCode,
} from '../../core/errors/secret-manager.error';
import type { HttpAnswer } from './http-request';
import { placeOf } from './request-handler';

/** The meaning of an answer. The first row that matches decides. No text of an answer goes into an error. */
export type ErrorRow = readonly [
  /** One status, or the first and last of a range. */
  status: number | readonly [number, number],
  when: Condition,
  code: SecretManagerErrorCode,
  meaning: string,
];

/**
 * The answers of a status that a row is about. A pattern matches the reasons that the store gives. `foreign`: the
 * answer comes from something else, such as a proxy, a firewall or a web server.
 */
type Condition = RegExp | 'any' | 'foreign';

/** The way in which a store reports its failures. */
export interface ErrorDialect {
  /** The name of the store, as in `the API of Azure Key Vault`. */
  readonly store: string;
  /** The rows of the store itself. Those of every store follow. */
  readonly rows: readonly ErrorRow[];
  /** Returns the reasons in an answer, for comparison only. Returns `undefined` if the answer is not the store's. */
  reasonOf(answer: HttpAnswer): string | undefined;
}

/** Returns the error for an answer. `subject` starts the message and names the request. */
export function storeError(
  answer: HttpAnswer,
  subject: string,
  dialect: ErrorDialect,
): SecretManagerError {
  const reason = dialect.reasonOf(answer);
  const rows = [...dialect.rows, ...commonRows(dialect.store)];
  const row = rows.find((one) => matches(one, answer.statusCode, reason));
  const [, , code, meaning] = row ?? NO_ROW;
  return new SecretManagerError(code, `${subject} failed: ${meaning}. ${originOf(answer)}`, {
    retryAfterMs: parseRetryAfter(answer.headers['retry-after']),
  });
}

/** Returns status, method, host and path, in parentheses. */
export function originOf({ statusCode, asked }: HttpAnswer): string {
  return `(HTTP ${statusCode}, ${placeOf(asked)})`;
}

const NO_ROW: ErrorRow = [0, 'any', 'UNKNOWN', 'the answer fits no rule'];

/** The rows that hold for every store. */
function commonRows(store: string): readonly ErrorRow[] {
  const notTheApi = `what answers there is not the API of ${store}`;
  return [
    [[200, 299], 'any', 'MALFORMED', `${notTheApi}, or the answer is not complete`],
    [
      [300, 399],
      'any',
      'MISCONFIGURED',
      `${notTheApi}: it sends callers elsewhere, and no redirect is followed. Check the address`,
    ],
    [400, 'foreign', 'MISCONFIGURED', `${notTheApi}, and refuses the request. Check the address`],
    [400, 'any', 'INVALID_ARGUMENT', 'the store refused the request as wrong'],
    [
      [401, 403],
      'foreign',
      'UNAVAILABLE',
      `a firewall or a proxy in front of the store refused the request: the answer is not one of ${store}. Have it let the request pass`,
    ],
    [401, 'any', 'UNAUTHENTICATED', 'the store does not accept the token. Check the login'],
    [403, 'any', 'ACCESS_DENIED', 'the login is not allowed this. Grant it'],
    [[404, 405], 'foreign', 'MISCONFIGURED', `${notTheApi}. Check the address`],
    [404, 'any', 'NOT_FOUND', 'there is no such secret'],
    [408, 'any', 'TIMEOUT', 'the store gave up waiting'],
    [409, 'any', 'CONFLICT', 'it exists already, or was changed meanwhile'],
    [412, 'any', 'CONFLICT', 'it was changed meanwhile'],
    [413, 'any', 'INVALID_ARGUMENT', 'the store takes no value of this size'],
    [425, 'any', 'UNAVAILABLE', 'the store asks to be asked again'],
    [429, 'any', 'THROTTLED', 'the store asks for fewer calls'],
    [501, 'any', 'UNSUPPORTED', 'the store cannot do this'],
    [504, 'any', 'TIMEOUT', 'the store, or a proxy in front of it, gave up waiting'],
    [[500, 599], 'any', 'UNAVAILABLE', 'the store cannot answer now'],
    [[400, 499], 'foreign', 'UNAVAILABLE', 'a firewall or a proxy refused the request'],
    [[400, 499], 'any', 'UNKNOWN', 'the store refused it'],
  ];
}

function matches(
  [status, when]: ErrorRow,
  statusCode: number,
  reason: string | undefined,
): boolean {
  const [first, last] = typeof status === 'number' ? [status, status] : status;
  if (statusCode < first || last < statusCode) return false;
  if (when === 'any') return true;
  if (when === 'foreign') return reason === undefined;
  return reason !== undefined && when.test(reason);
}
