import { parseRetryAfter } from '../../core/error-table';
import { SecretManagerError, type SecretManagerErrorCode } from '../../core/secret-manager.error';
import type { VaultAnswer } from './exchange';

/** What the server answers, and what it means: the first row that fits. Nothing of an answer's text travels on. */
interface Row {
  /** One status, or the first and last of several. */
  readonly status: number | readonly [number, number];
  /** What the server's own errors or warnings say. */
  readonly says?: RegExp;
  readonly code: SecretManagerErrorCode;
  readonly meaning: string;
}

/** Of a path that is denied OpenBao says "1 error occurred" first; of a token that is dead it does not. */
const DEAD_TOKEN = /^permission denied$|invalid token|bad token/;

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
    says: /HTTP request to an HTTPS server/,
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
    status: [400, 400],
    code: 'INVALID_ARGUMENT',
    meaning: 'the server refused the request as wrong',
  },
  {
    status: [401, 401],
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
    meaning: 'what answers there is not the API of HashiCorp Vault or OpenBao. Check the address',
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
    code: 'UNAVAILABLE',
    meaning: 'the server is a standby, and names no active node that may be asked in its place',
  },
  {
    status: [200, 299],
    code: 'MALFORMED',
    meaning:
      'what answers there is not the API of HashiCorp Vault or OpenBao, or not of this engine',
  },
  { status: [400, 499], code: 'UNKNOWN', meaning: 'the server refused it' },
];

/** The failure that an answer means. `subject` begins the sentence: what was asked for. */
export function vaultError(answer: VaultAnswer, subject: string): SecretManagerError {
  const { statusCode, headers, text = '' } = answer;
  const said = sayingsOf(answer) || text;
  const row = ROWS.find(
    ({ status, says }) => covers(status, statusCode) && (!says || says.test(said)),
  );
  const { code, meaning } = row ?? { code: 'UNKNOWN' as const, meaning: 'the answer fits no rule' };
  const { explanation = meaning } = answer;
  return new SecretManagerError(code, `${subject} failed: ${explanation}. (HTTP ${statusCode})`, {
    retryAfterMs: parseRetryAfter(headers['retry-after']),
  });
}

/** Whether the server refused the token, or what was asked with it. */
export function isDenial({ statusCode }: VaultAnswer): boolean {
  return statusCode === 401 || statusCode === 403;
}

/** Whether the server no longer, or never, knew the token; otherwise it knows it, and denies the path. */
export function isDeadToken(answer: VaultAnswer): boolean {
  const { statusCode } = answer;
  return statusCode === 401 || (statusCode === 403 && DEAD_TOKEN.test(sayingsOf(answer)));
}

/** What the server says of a failure, to be compared and not to be shown. */
export function sayingsOf({ content = {} }: VaultAnswer): string {
  return [content.errors, content.warnings]
    .flat()
    .filter((saying) => typeof saying === 'string')
    .join('\n');
}

function covers(status: Row['status'], statusCode: number): boolean {
  const [first, last] = typeof status === 'number' ? [status, status] : status;
  return first <= statusCode && statusCode <= last;
}
