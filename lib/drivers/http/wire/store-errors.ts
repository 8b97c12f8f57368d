import { parseRetryAfter } from '../../../core/errors/error-table';
import {
  SecretManagerError,
  type SecretManagerErrorCode,
} from '../../../core/errors/secret-manager.error';
import { commonRows, findRow, fits, type ErrorRow } from './answer-rows';
import type { HttpAnswer } from './http-request';
import { placeOf } from './request-handler';

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
