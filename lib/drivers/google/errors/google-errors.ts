import { jsonOf, isObject, type HttpAnswer } from '../../http/wire/http-request';
import type { ErrorRow } from '../../http/wire/answer-rows';

/** The failures that every service of Google shares. The first row that matches decides. */
export const GOOGLE_ROWS: readonly ErrorRow[] = [
  [
    403,
    /\bSERVICE_DISABLED\b/,
    'MISCONFIGURED',
    'the API is not enabled in the project. Enable it, or check the project',
  ],
  [
    403,
    /\bBILLING_DISABLED\b/,
    'MISCONFIGURED',
    'the project has no billing, which the API needs. Enable it, or check the project',
  ],
  [403, /\bCONSUMER_INVALID\b/, 'MISCONFIGURED', 'there is no such project. Check the project'],
  [
    403,
    /\bUSER_PROJECT_DENIED\b/,
    'ACCESS_DENIED',
    'the login may not use the quota project. Grant it roles/serviceusage.serviceUsageConsumer there, or change `quotaProjectId`',
  ],
  [
    403,
    /\bACCESS_TOKEN_SCOPE_INSUFFICIENT\b/,
    'ACCESS_DENIED',
    'the token lacks the scope https://www.googleapis.com/auth/cloud-platform. Give the machine or the login that scope',
  ],
  [
    403,
    /\bSECURITY_POLICY_VIOLATED\b/,
    'ACCESS_DENIED',
    'a perimeter of VPC Service Controls forbids it. Call from within, or allow the caller',
  ],
  [
    401,
    /./,
    'UNAUTHENTICATED',
    'Google does not accept the token. Check the login, and the clock of this machine',
  ],
];

/**
 * Returns the status and the reasons of a failure, as `PERMISSION_DENIED SERVICE_DISABLED`. Returns `undefined` if
 * the answer is not one of Google's API: its front ends and other servers answer pages.
 */
export function googleReasons(answer: HttpAnswer): string | undefined {
  const error = jsonOf(answer)?.error;
  if (!isObject(error)) return undefined;
  const { status, code, details } = error;
  if (typeof status !== 'string' && typeof code !== 'number') return undefined;
  const reasons = Array.isArray(details) ? details.map(reasonOf) : [];
  return [status, ...reasons].filter((reason) => typeof reason === 'string').join(' ') || 'ERROR';
}

/** Returns the text of a failure. Only for comparison: messages never show it. */
export function googleMessage(answer: HttpAnswer): string {
  const error = jsonOf(answer)?.error;
  return isObject(error) && typeof error.message === 'string' ? error.message : '';
}

/** Returns whether Google does not accept the token. */
export function isRefusedByGoogle(answer: HttpAnswer): boolean {
  return answer.statusCode === 401 && googleReasons(answer) !== undefined;
}

function reasonOf(detail: unknown): unknown {
  return isObject(detail) ? detail.reason : undefined;
}
