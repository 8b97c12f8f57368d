import { parseRetryAfter } from '../../core/errors/error-table';
import {
  SecretManagerError,
  type SecretManagerErrorCode,
} from '../../core/errors/secret-manager.error';
import type { HttpAnswer } from './http-request';
import { placeOf } from './request-handler';

/** The meaning of an answer. The first row that matches decides. No text of an answer goes into an error. */
export type Row<When> = readonly [
  /** One status, or the first and last of a range. */
  status: number | readonly [number, number],
  when: When,
  code: SecretManagerErrorCode,
  meaning: string,
];

export type ErrorRow = Row<Condition>;

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
  const [, , code, meaning] = findRow(rows, answer, 'any', (when) => fits(when, reason));
  return errorOfAnswer(answer, subject, code, meaning);
}

/** Returns the first row about the status whose condition is met. `when` is that of a row for no rule. */
export function findRow<When>(
  rows: readonly Row<When>[],
  { statusCode }: Answered,
  when: When,
  isMet: (when: When) => boolean,
): Row<When> {
  const row = rows.find(([status, condition]) => isAbout(status, statusCode) && isMet(condition));
  return row ?? [0, when, 'UNKNOWN', 'the answer fits no rule'];
}

/** Returns the error with this meaning. It has the pause of `Retry-After`, and no text of the answer. */
export function errorOfAnswer(
  answer: Answered,
  subject: string,
  code: SecretManagerErrorCode,
  meaning: string,
): SecretManagerError {
  return new SecretManagerError(code, `${subject} failed: ${meaning}. ${originOf(answer)}`, {
    retryAfterMs: parseRetryAfter(answer.headers['retry-after']),
  });
}

/** Returns status, method, host and path, in parentheses. */
export function originOf({ statusCode, asked }: Answered): string {
  return `(HTTP ${statusCode}, ${placeOf(asked)})`;
}

type Answered = Pick<HttpAnswer, 'statusCode' | 'headers' | 'asked'>;

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

function isAbout(status: Row<unknown>[0], statusCode: number): boolean {
  const [first, last] = typeof status === 'number' ? [status, status] : status;
  return first <= statusCode && statusCode <= last;
}

function fits(when: Condition, reason: string | undefined): boolean {
  if (when === 'any') return true;
  if (when === 'foreign') return reason === undefined;
  return reason !== undefined && when.test(reason);
}
