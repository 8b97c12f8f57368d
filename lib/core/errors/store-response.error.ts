import { retryAfterHeader } from './http-facts';
import { SecretManagerError } from './secret-manager.error';
import { kindOf } from './wording';

export interface StoreResponseErrorOptions {
  /**
   * The headers of the response: a `Headers` object, or a plain one as in undici and axios. Only `Retry-After`
   * is kept.
   */
  readonly headers?: object;
}

/**
 * An HTTP status of the store that is a failure. A manager throws it, and the library translates the status.
 * For example, 401 becomes `UNAUTHENTICATED`, 403 `ACCESS_DENIED`, 429 `THROTTLED`, and 503 `UNAVAILABLE`.
 * `Retry-After` counts, in seconds or as a date. The error holds nothing of the body and no other header, so it
 * can be logged.
 *
 * Throws `INVALID_ARGUMENT` for a status code that is not an integer from 100 to 599.
 */
export class StoreResponseError extends Error {
  readonly statusCode: number;
  /** The `retry-after` of the response, if it had one. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(statusCode: number, { headers }: StoreResponseErrorOptions = {}) {
    assertStatusCode(statusCode);
    super(`The store answered ${statusCode}.`);
    this.statusCode = statusCode;
    const retryAfter = retryAfterHeader(headers);
    this.headers = RETRY_AFTER.test(String(retryAfter))
      ? { 'retry-after': String(retryAfter) }
      : {};
  }
}

Object.defineProperty(StoreResponseError.prototype, 'name', { value: 'StoreResponseError' });

function assertStatusCode(given: unknown): void {
  if (Number.isInteger(given) && Number(given) >= 100 && Number(given) <= 599) return;
  const shown = typeof given === 'number' ? String(given) : kindOf(given);
  throw new SecretManagerError(
    'INVALID_ARGUMENT',
    `StoreResponseError takes the HTTP status code of the response, an integer from 100 to 599, and got ${shown}.`,
  );
}

/** Seconds, or an HTTP date. Other text could be anything, so it is dropped. */
const RETRY_AFTER = /^(\d+(\.\d+)?|[A-Z][a-z]+, [\w :-]{10,30} GMT)$/;
