import { parseRetryAfter } from '../../../core/errors/error-table';
import {
  SecretManagerError,
  type SecretManagerErrorCode,
} from '../../../core/errors/secret-manager.error';
import { placeOf, type VaultAnswer } from './request-handler';

/** The meaning of an answer. The first row that matches decides. No text of an answer goes into an error. */
interface Row {
  /** One status, or the first and last of a range. */
  readonly status: number | readonly [number, number];
  /** Matches the errors or warnings of the server, or the text of a page. */
  readonly says?: RegExp;
  /** `true` for an answer that comes from something else: a proxy, a firewall or a web server. */
  readonly isForeign?: true;
  /** `true` for a redirect from plain http to https on the same host. */
  readonly isToHttps?: true;
  readonly code: SecretManagerErrorCode;
  readonly meaning: string;
}

/** Matches a dead token. For a denied path OpenBao starts with "1 error occurred"; for a dead token it does not. */
const DEAD_TOKEN = /^permission denied$|invalid token|bad token/;

/** Matches the texts of Go, nginx and Apache. */
const WANTS_TLS =
  /HTTP request to an HTTPS server|HTTP request was sent to HTTPS|plain HTTP to an SSL/;

const NOT_THE_API = 'what answers there is not the API of HashiCorp Vault or OpenBao';

const ROWS: readonly Row[] = [
  {
    status: 400,
    says: /check-and-set/,
    code: 'CONFLICT',
    meaning: 'it exists already, or was changed meanwhile',
  },
  {
    status: 400,
    says: /^missing client token$/,
    code: 'UNAUTHENTICATED',
    meaning: 'the request had no token. Give the manager a login, or the agent at the address one',
  },
  {
    status: 400,
    says: WANTS_TLS,
    code: 'MISCONFIGURED',
    meaning: 'the server speaks TLS. Begin the address with https:',
  },
  {
    status: 400,
    says: /Upgrading from non-versioned/,
    code: 'UNAVAILABLE',
    meaning: 'the server is still making the mount one of KV version 2',
  },
  {
    status: 400,
    says: /high complexity|too large/,
    code: 'INVALID_ARGUMENT',
    meaning: 'the server takes no value of this size',
  },
  {
    status: 400,
    isForeign: true,
    code: 'MISCONFIGURED',
    meaning: `${NOT_THE_API}, and refuses the request. Check the address`,
  },
  {
    status: 400,
    code: 'INVALID_ARGUMENT',
    meaning: 'the server refused the request as wrong',
  },
  {
    status: [401, 403],
    isForeign: true,
    code: 'UNAVAILABLE',
    meaning:
      'a firewall or a proxy in front of the server refused the request: the answer is not one of HashiCorp Vault or OpenBao. Have it let the request pass',
  },
  {
    status: 401,
    code: 'UNAUTHENTICATED',
    meaning: 'the server does not know the token. Renew it',
  },
  {
    status: 403,
    says: DEAD_TOKEN,
    code: 'UNAUTHENTICATED',
    meaning: 'the token is expired, revoked or wrong. Renew it',
  },
  {
    status: 403,
    code: 'ACCESS_DENIED',
    meaning: 'no policy of the token allows it, or nothing is mounted there. Look at the policies',
  },
  {
    status: 404,
    says: /no handler for route|route entry not found/,
    code: 'MISCONFIGURED',
    meaning: 'nothing is mounted there. Check the mount',
  },
  {
    status: 404,
    says: /namespace not found/,
    code: 'MISCONFIGURED',
    meaning: 'there is no such namespace. Check the namespace',
  },
  {
    status: 404,
    says: /versioned K\/V/,
    code: 'MISCONFIGURED',
    meaning: 'the mount is of KV version 2. Set kvVersion to 2',
  },
  {
    status: 404,
    code: 'MISCONFIGURED',
    meaning: `${NOT_THE_API}. Check the address`,
  },
  {
    status: 405,
    isForeign: true,
    code: 'MISCONFIGURED',
    meaning: `${NOT_THE_API}, and takes no such request. Check the address`,
  },
  {
    status: 405,
    code: 'UNSUPPORTED',
    meaning: 'the engine that is mounted there cannot do this',
  },
  { status: 408, code: 'TIMEOUT', meaning: 'the server gave up waiting' },
  {
    status: 412,
    code: 'UNAVAILABLE',
    meaning: 'the node that was asked has not caught up yet',
  },
  { status: 413, code: 'INVALID_ARGUMENT', meaning: 'the server takes no value of this size' },
  { status: 425, code: 'UNAVAILABLE', meaning: 'the server asks to be asked again' },
  { status: 429, code: 'THROTTLED', meaning: 'the server asks for fewer calls' },
  {
    status: 472,
    code: 'UNAVAILABLE',
    meaning: 'the server is a standby of disaster recovery, and serves nobody',
  },
  { status: 473, code: 'UNAVAILABLE', meaning: 'the server is a standby, and cannot do this' },
  { status: 501, code: 'UNAVAILABLE', meaning: 'the server is not initialised' },
  { status: 503, says: /sealed/, code: 'UNAVAILABLE', meaning: 'the server is sealed' },
  { status: 504, code: 'TIMEOUT', meaning: 'a proxy gave up waiting for the server' },
  { status: [500, 599], code: 'UNAVAILABLE', meaning: 'the server cannot answer now' },
  {
    status: [300, 399],
    isToHttps: true,
    code: 'MISCONFIGURED',
    meaning: 'the server asks for TLS. Begin the address with https:',
  },
  {
    status: 307,
    code: 'UNAVAILABLE',
    meaning: 'the server is a standby, and names no active node that may be asked in its place',
  },
  {
    status: [300, 399],
    code: 'UNAVAILABLE',
    meaning: `${NOT_THE_API}: it sends callers elsewhere, as a proxy with a login page does. Check the address`,
  },
  {
    status: [200, 299],
    says: /^\s*<(!doctype|html)/i,
    code: 'MALFORMED',
    meaning:
      'a web page answers in place of HashiCorp Vault or OpenBao, as the login page of a proxy does. Check the address',
  },
  { status: [200, 299], code: 'MALFORMED', meaning: `${NOT_THE_API}, or not of this engine` },
  {
    status: [400, 499],
    isForeign: true,
    code: 'UNAVAILABLE',
    meaning: 'a firewall or a proxy in front of the server refused the request',
  },
  { status: [400, 499], code: 'UNKNOWN', meaning: 'the server refused it' },
];

/** Returns the error for an answer. `subject` starts the message and names the request. */
export function vaultError(answer: VaultAnswer, subject: string): SecretManagerError {
  const row = ROWS.find((candidate) => matches(candidate, answer));
  const { code, meaning } = row ?? { code: 'UNKNOWN' as const, meaning: 'the answer fits no rule' };
  const { explanation = meaning } = row?.isToHttps ? {} : answer;
  const said = `${subject} failed: ${explanation}. ${originOfAnswer(answer)}`;
  return new SecretManagerError(code, said, {
    retryAfterMs: parseRetryAfter(answer.headers['retry-after']),
  });
}

/** Returns status, method, host and path, in parentheses. */
export function originOfAnswer({ statusCode, asked }: VaultAnswer): string {
  return `(HTTP ${statusCode}, ${placeOf(asked)})`;
}

/**
 * Returns whether an answer comes from the server, and not from a proxy, a firewall or a web server. A refusal of
 * the server holds `errors`, an array of strings. Its other answers hold known fields, or no body.
 */
export function isFromVault({ statusCode, content, text = '' }: VaultAnswer): boolean {
  if (content === undefined) return statusCode < 300 && text === '';
  const { errors } = content;
  if (errors === undefined) return FIELDS.some((field) => field in content);
  return Array.isArray(errors) && errors.every((error) => typeof error === 'string');
}

/** The fields of an answer without `errors` that mark it as one of the server. */
const FIELDS = ['request_id', 'warnings', 'data', 'auth'];

/** Returns whether the server refused the token, or denied the request. */
export function isDenial(answer: VaultAnswer): boolean {
  const { statusCode } = answer;
  return (statusCode === 401 || statusCode === 403) && isFromVault(answer);
}

/** Returns whether the server does not know the token. A denial of a known token concerns only the path. */
export function isDeadToken(answer: VaultAnswer): boolean {
  if (!isDenial(answer)) return false;
  return answer.statusCode === 401 || DEAD_TOKEN.test(serverMessageOf(answer));
}

/** Returns the errors and warnings of an answer. Only for comparison: messages never show them. */
export function serverMessageOf({ content = {} }: VaultAnswer): string {
  return [content.errors, content.warnings]
    .flat()
    .filter((saying) => typeof saying === 'string')
    .join('\n');
}

function matches({ status, says, isForeign, isToHttps }: Row, answer: VaultAnswer): boolean {
  const [first, last] = typeof status === 'number' ? [status, status] : status;
  if (answer.statusCode < first || last < answer.statusCode) return false;
  if (says !== undefined && !says.test(serverMessageOf(answer) || (answer.text ?? '')))
    return false;
  if (isToHttps && !asksForHttps(answer)) return false;
  return !isForeign || !isFromVault(answer);
}

/**
 * Returns whether the answer redirects from http to https on the same host. A 307 must keep the path, because a
 * standby answers so. Other statuses may name any path of the host.
 */
function asksForHttps({ statusCode, asked, headers: { location } }: VaultAnswer): boolean {
  const [, url = ''] = asked.split(' ');
  if (typeof location !== 'string' || !URL.canParse(location, url)) return false;
  const [from, to] = [new URL(url), new URL(location, url)];
  const isUpgrade = from.protocol === 'http:' && to.protocol === 'https:';
  const isSamePlace = from.hostname === to.hostname && !to.username && !to.password;
  return isUpgrade && isSamePlace && (statusCode !== 307 || from.pathname === to.pathname);
}
