import { jsonOf, isObject, type HttpAnswer } from '../http/wire/http-request';
import type { ErrorDialect } from '../http/wire/store-errors';

/** The failures of Conjur. It answers 401 and 403 without JSON, or without a body. */
export const CONJUR: ErrorDialect = {
  store: 'Conjur',
  rows: [
    [
      401,
      'any',
      'UNAUTHENTICATED',
      'Conjur does not accept the credentials, or the token has expired. Check the login and its key',
    ],
    [
      403,
      /./,
      'ACCESS_DENIED',
      'the login may see the variable, but not use it. Permit it "execute" for a read, or "update" for a write, by policy',
    ],
    [404, /not_found/, 'NOT_FOUND', 'there is no such variable, or the login may not see it'],
    [409, /./, 'UNAVAILABLE', 'Conjur is loading another policy'],
    [422, /./, 'INVALID_ARGUMENT', 'Conjur refused the value or the policy as wrong'],
  ],
  reasonOf: (answer) => reasonOf(answer),
};

/** Matches the texts without JSON that Conjur sends. */
const PLAIN = /^(Unauthorized|Forbidden|Authorization missing)\b[^<]*$/;

function reasonOf(answer: HttpAnswer): string | undefined {
  const error = jsonOf(answer)?.error;
  if (isObject(error)) return typeof error.code === 'string' ? error.code : undefined;
  const text = answer.body.toString('utf8').trim();
  const isBare = (answer.statusCode === 401 || answer.statusCode === 403) && text === '';
  return isBare || PLAIN.test(text) ? 'refused' : undefined;
}

/** Returns whether an answer is a page in place of Conjur's, as the login page of a proxy. */
export function isPage({ headers }: HttpAnswer): boolean {
  return /^text\/html\b/i.test(headers['content-type'] ?? '');
}

/** Returns whether Conjur itself says that there is no such variable, or none that the login may see. */
export function isAbsent(answer: HttpAnswer): boolean {
  return answer.statusCode === 404 && reasonOf(answer) === 'not_found';
}
