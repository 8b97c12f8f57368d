import { retryAfterMs } from '../../core/errors/error-table';
import { read } from '../../core/errors/safe-access';
import {
  SecretManagerError,
  type SecretManagerErrorContext,
} from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import { foreignAnswer } from '../http/wire/answer-rows';
import type { AwsService } from './aws-service';
import type { CredentialSource } from './connection/credential-source';
import { errorRow, type ErrorRow } from './error-rows';

/** The API call and its secret. */
export interface AwsCall {
  readonly action: string;
  readonly secretName?: string;
}

/** An error with a name of AWS. It contains no text of AWS. */
export class AwsError extends SecretManagerError {
  readonly awsName: string;
  /** The row of the table that explains the error. */
  readonly #row: ErrorRow;

  constructor(
    awsName: string,
    row: ErrorRow,
    message: string,
    context: SecretManagerErrorContext = {},
  ) {
    super(row[0], message, context);
    this.awsName = awsName;
    this.#row = row;
  }

  isExplainedBy(row: ErrorRow): boolean {
    return this.#row === row;
  }
}

/**
 * Translates an error of the SDK. A named AWS error becomes an {@link AwsError}. Any other error loses its answer,
 * which may hold a value, and is translated by the library.
 *
 * @param source set if the call failed before it was sent, because the credentials may be the cause
 */
export function toAwsError(
  thrown: unknown,
  call: AwsCall,
  service: AwsService,
  source?: CredentialSource,
): unknown {
  const isNoUrl = read(thrown, 'code') === 'ERR_INVALID_URL'; // the text quotes the address
  const awsName = isNoUrl ? 'EndpointError' : String(read(thrown, 'name'));
  const row =
    source?.explain(thrown) ?? errorRow(service, awsName, String(read(thrown, 'message')));
  if (row === undefined) {
    return source === undefined && isForeign(thrown)
      ? foreignError(thrown, call, service)
      : stripAnswer(thrown);
  }
  const { secretName } = call;
  const message = messageOf(row, call, service);
  const context = { secretName, retryAfterMs: retryAfterMs(thrown) };
  return new AwsError(awsName, row, `${message} (${awsName})`, context);
}

function messageOf(
  [, meaning]: ErrorRow,
  { action, secretName }: AwsCall,
  { name, rightsPrefix }: AwsService,
): string {
  const subject = secretName === undefined ? '' : ` of ${quoteName(secretName)}`;
  const happened = meaning
    .replace('{right}', `${rightsPrefix}:${action}`)
    .replace('{service}', name);
  return `${action}${subject} failed: ${happened}.`;
}

export function isTooLarge(thrown: unknown): boolean {
  return awsNameOf(thrown) === 'AnswerTooLarge';
}

export function isDenied(thrown: unknown): boolean {
  return thrown instanceof AwsError && thrown.code === 'ACCESS_DENIED';
}

export function awsNameOf(thrown: unknown): string | undefined {
  return thrown instanceof AwsError ? thrown.awsName : undefined;
}

/** The settings of the address, in errors. */
const ADDRESS = '`endpoint`, AWS_ENDPOINT_URL and the profile';
/** The names that the SDK gives to an error answer in which AWS names none: a page, other JSON, or nothing. */
const UNNAMED = /^(SyntaxError|Unknown|UnknownError|\d+)$/;

/** Returns whether something else than AWS answered. AWS names each error, and answers none with 404. */
function isForeign(thrown: unknown): boolean {
  const status = statusOf(thrown);
  if (typeof status !== 'number') return false;
  return status === 404 || UNNAMED.test(String(read(thrown, 'name')));
}

/** Returns the error for an answer of a proxy, a firewall or a web server, by the rules of every store over HTTP. */
function foreignError(
  thrown: unknown,
  { action, secretName }: AwsCall,
  { name }: AwsService,
): SecretManagerError {
  const status = Number(statusOf(thrown));
  const { code, meaning } = foreignAnswer(name, status, ADDRESS);
  const subject = secretName === undefined ? '' : ` of ${quoteName(secretName)}`;
  return new SecretManagerError(code, `${action}${subject} failed (HTTP ${status}): ${meaning}.`, {
    secretName,
    retryAfterMs: retryAfterMs(thrown),
  });
}

function statusOf(thrown: unknown): unknown {
  const response = read(thrown, '$response');
  return read(read(thrown, '$metadata'), 'httpStatusCode') ?? read(response, 'statusCode');
}

/**
 * Removes the answer from an error and keeps its status. The status decides, because the HTML of a load balancer
 * fails to parse.
 */
function stripAnswer(thrown: unknown): unknown {
  const response = read(thrown, '$response');
  const status = statusOf(thrown);
  if (typeof status !== 'number') return thrown; // without an answer: the network failed, or the call was cancelled
  const code = read(thrown, 'code');
  const retryAfter = read(read(response, 'headers'), 'retry-after');
  const isUnreadable = status < 400 && code === undefined;
  return Object.assign(new Error('What AWS answered is withheld.'), {
    ...(isUnreadable && { name: 'SyntaxError' }),
    status,
    code,
    headers: { 'retry-after': retryAfter },
  });
}
