import { retryAfterMs } from '../../../core/errors/error-table';
import { read } from '../../../core/errors/safe-access';
import {
  SecretManagerError,
  type SecretManagerErrorContext,
} from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import type { CredentialSource } from './credential-source';
import { PENDING_DELETION, errorRow, type ErrorRow } from './error-rows';

/** Which of AWS's calls it was, and of which secret. */
export interface AwsCall {
  readonly action: string;
  readonly secretName?: string;
}

/** A failure that has a name at AWS. Nothing of what AWS said stands in it. */
export class AwsError extends SecretManagerError {
  readonly awsName: string;
  /** Whether AWS said, in words, that the secret waits for its deletion. */
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
 * The error that the driver throws for what the SDK threw: an {@link AwsError} for what has a name at AWS, and otherwise an
 * error that the library's own table translates, without the answer, which may hold a value.
 *
 * @param source given if the call failed before it was sent: the credentials may be the reason
 */
export function toAwsError(thrown: unknown, call: AwsCall, source?: CredentialSource): unknown {
  const isNoUrl = read(thrown, 'code') === 'ERR_INVALID_URL'; // the error has no other name, and quotes the address
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

/** By its status, not by its name: a load balancer's HTML fails to parse, whatever it wants to say. */
function stripAnswer(thrown: unknown): unknown {
  const response = read(thrown, '$response');
  const status = read(read(thrown, '$metadata'), 'httpStatusCode') ?? read(response, 'statusCode');
  if (typeof status !== 'number') return thrown; // no answer came: the network failed, or the call was ended
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
