import type { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { findRow, type Row } from '../../http/wire/answer-rows';
import { errorOfAnswer } from '../../http/wire/store-errors';
import type { VaultAnswer } from './vault-answer';

/**
 * The answers of a status that a row is about. A pattern matches the errors or warnings of the server, or the text of
 * a page. `foreign`: the answer comes from something else, such as a proxy, a firewall or a web server. `to https`: it
 * redirects from plain http to https on the same host.
 */
type Condition = RegExp | 'any' | 'foreign' | 'to https';

/** Matches a dead token. For a denied path OpenBao starts with "1 error occurred"; for a dead token it does not. */
const DEAD_TOKEN = /^permission denied$|invalid token|bad token/;

/** Matches the texts of Go, nginx and Apache. */
const WANTS_TLS =
  /HTTP request to an HTTPS server|HTTP request was sent to HTTPS|plain HTTP to an SSL/;

const NOT_THE_API = 'what answers there is not the API of HashiCorp Vault or OpenBao';

const ROWS: readonly Row<Condition>[] = [
  [400, /check-and-set/, 'CONFLICT', 'it exists already, or was changed meanwhile'],
  [
    400,
    /^missing client token$/,
    'UNAUTHENTICATED',
    'the request had no token. Give the manager a login, or the agent at the address one',
  ],
  [400, WANTS_TLS, 'MISCONFIGURED', 'the server speaks TLS. Begin the address with https:'],
  [
    400,
    /Upgrading from non-versioned/,
    'UNAVAILABLE',
    'the server is still making the mount one of KV version 2',
  ],
  [400, /high complexity|too large/, 'INVALID_ARGUMENT', 'the server takes no value of this size'],
  [400, 'foreign', 'MISCONFIGURED', `${NOT_THE_API}, and refuses the request. Check the address`],
  [400, 'any', 'INVALID_ARGUMENT', 'the server refused the request as wrong'],
  [
    [401, 403],
    'foreign',
    'UNAVAILABLE',
    'a firewall or a proxy in front of the server refused the request: the answer is not one of HashiCorp Vault or OpenBao. Have it let the request pass',
  ],
  [401, 'any', 'UNAUTHENTICATED', 'the server does not know the token. Renew it'],
  [403, DEAD_TOKEN, 'UNAUTHENTICATED', 'the token is expired, revoked or wrong. Renew it'],
  [
    403,
    'any',
    'ACCESS_DENIED',
    'no policy of the token allows it, or nothing is mounted there. Look at the policies',
  ],
  [
    404,
    /no handler for route|route entry not found/,
    'MISCONFIGURED',
    'nothing is mounted there. Check the mount',
  ],
  [404, /namespace not found/, 'MISCONFIGURED', 'there is no such namespace. Check the namespace'],
  [404, /versioned K\/V/, 'MISCONFIGURED', 'the mount is of KV version 2. Set kvVersion to 2'],
  [404, 'any', 'MISCONFIGURED', `${NOT_THE_API}. Check the address`],
  [405, 'foreign', 'MISCONFIGURED', `${NOT_THE_API}, and takes no such request. Check the address`],
  [405, 'any', 'UNSUPPORTED', 'the engine that is mounted there cannot do this'],
  [408, 'any', 'TIMEOUT', 'the server gave up waiting'],
  [412, 'any', 'UNAVAILABLE', 'the node that was asked has not caught up yet'],
  [413, 'any', 'INVALID_ARGUMENT', 'the server takes no value of this size'],
  [425, 'any', 'UNAVAILABLE', 'the server asks to be asked again'],
  [429, 'any', 'THROTTLED', 'the server asks for fewer calls'],
  [472, 'any', 'UNAVAILABLE', 'the server is a standby of disaster recovery, and serves nobody'],
  [473, 'any', 'UNAVAILABLE', 'the server is a standby, and cannot do this'],
  [501, 'any', 'UNAVAILABLE', 'the server is not initialised'],
  [503, /sealed/, 'UNAVAILABLE', 'the server is sealed'],
  [504, 'any', 'TIMEOUT', 'a proxy gave up waiting for the server'],
  [[500, 599], 'any', 'UNAVAILABLE', 'the server cannot answer now'],
  [
    [300, 399],
    'to https',
    'MISCONFIGURED',
    'the server asks for TLS. Begin the address with https:',
  ],
  [
    307,
    'any',
    'UNAVAILABLE',
    'the server is a standby, and names no active node that may be asked in its place',
  ],
  [
    [300, 399],
    'any',
    'UNAVAILABLE',
    `${NOT_THE_API}: it sends callers elsewhere, as a proxy with a login page does. Check the address`,
  ],
  [
    [200, 299],
    /^\s*<(!doctype|html)/i,
    'MALFORMED',
    'a web page answers in place of HashiCorp Vault or OpenBao, as the login page of a proxy does. Check the address',
  ],
  [[200, 299], 'any', 'MALFORMED', `${NOT_THE_API}, or not of this engine`],
  [
    [400, 499],
    'foreign',
    'UNAVAILABLE',
    'a firewall or a proxy in front of the server refused the request',
  ],
  [[400, 499], 'any', 'UNKNOWN', 'the server refused it'],
];

/** Returns the error for an answer. `subject` starts the message and names the request. */
export function vaultError(answer: VaultAnswer, subject: string): SecretManagerError {
  const isMet = (condition: Condition): boolean => fits(condition, answer);
  const [, when, code, meaning] = findRow(ROWS, answer, 'any', isMet);
  const { explanation = meaning } = when === 'to https' ? {} : answer;
  return errorOfAnswer(answer, subject, code, explanation);
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

function fits(when: Condition, answer: VaultAnswer): boolean {
  if (when === 'foreign') return !isFromVault(answer);
  if (when === 'to https') return asksForHttps(answer);
  return when === 'any' || when.test(serverMessageOf(answer) || (answer.text ?? ''));
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
