import { retryAfterMs } from '../../../core/errors/error-table';
import { read } from '../../../core/errors/safe-access';
import {
  SecretManagerError,
  type SecretManagerErrorContext,
} from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { CredentialSource } from './credential-source';
import { PENDING_DELETION, errorRow, type ErrorRow } from './error-rows';

/** The API call and its secret. */
export interface AwsCall {
  readonly action: string;
  readonly secretName?: string;
}

/** An error with a name of AWS. It contains no text of AWS. */
export class AwsError extends SecretManagerError {
  readonly awsName: string;
  /** `true` if the text of AWS reports a pending deletion. */
  readonly saysPendingDeletion: boolean;

  constructor(
    awsName: string,
    row: ErrorRow,
    { action, secretName }: AwsCall,
    context: SecretManagerErrorContext = {},
  ) {
    const [code, meaning] = row;
    const subject = secretName === undefined ? '' : ` of ${quoteName(secretName)}`;
    const happened = meaning.replace('{action}', action);
    super(code, `${action}${subject} failed: ${happened}. (${awsName})`, {
      ...context,
      secretName,
    });
    this.awsName = awsName;
    this.saysPendingDeletion = row === PENDING_DELETION;
  }
}

/**
 * Translates an error of the SDK. A named AWS error becomes an {@link AwsError}. Any other error loses its answer,
 * which may hold a value, and is translated by the library.
 *
 * @param source set if the call failed before it was sent, because the credentials may be the cause
 */
export function toAwsError(thrown: unknown, call: AwsCall, source?: CredentialSource): unknown {
  const isNoUrl = read(thrown, 'code') === 'ERR_INVALID_URL'; // the text quotes the address
  const awsName = isNoUrl ? 'EndpointError' : String(read(thrown, 'name'));
  const row = source?.explain(thrown) ?? errorRow(awsName, String(read(thrown, 'message')));
  if (row === undefined) return stripAnswer(thrown);
  return new AwsError(awsName, row, call, { retryAfterMs: retryAfterMs(thrown) });
}

export function isAbsent(thrown: unknown): boolean {
  return awsNameOf(thrown) === 'ResourceNotFoundException';
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

/**
 * Removes the answer from an error and keeps its status. The status decides, because the HTML of a load balancer
 * fails to parse.
 */
function stripAnswer(thrown: unknown): unknown {
  const response = read(thrown, '$response');
  const status = read(read(thrown, '$metadata'), 'httpStatusCode') ?? read(response, 'statusCode');
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
