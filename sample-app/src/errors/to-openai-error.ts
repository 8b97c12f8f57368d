import { HttpStatus } from '@nestjs/common';
import { type SecretManagerError, type SecretManagerErrorCode } from 'nestjs-custom-secret-manager';
import { OpenAiError } from './openai-error';

/** Returns the answer to a failure of the store: a code and a fixed text. */
export function toOpenAiError(error: SecretManagerError): OpenAiError {
  const { causeCode: code = error.code, retryAfterMs } = error; // `causeCode` is set if a rotation broke off
  const [status, message] = ANSWERS[code];
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  return new OpenAiError(status, { message, type, code: code.toLowerCase(), retryAfterMs });
}

type Answer = readonly [status: number, message: string];

const LATER: Answer = [
  HttpStatus.SERVICE_UNAVAILABLE,
  'The secret store is not available now. Try again later.',
];
const REFUSED: Answer = [HttpStatus.BAD_GATEWAY, 'The secret store refused the gateway.'];
const BROKEN: Answer = [HttpStatus.INTERNAL_SERVER_ERROR, 'The secret could not be had.'];

const ANSWERS: Readonly<Record<SecretManagerErrorCode, Answer>> = {
  NOT_FOUND: [HttpStatus.INTERNAL_SERVER_ERROR, 'A secret is missing that the gateway needs.'],
  INVALID_ARGUMENT: [HttpStatus.BAD_REQUEST, 'The secret store cannot keep such a name or value.'],
  NOT_PERMITTED: [HttpStatus.FORBIDDEN, 'The settings of the gateway do not permit it.'],
  CONFLICT: [HttpStatus.CONFLICT, 'It exists already, or was changed meanwhile.'],
  UNSUPPORTED: [HttpStatus.NOT_IMPLEMENTED, 'The secret store cannot do this.'],
  UNAVAILABLE: LATER,
  THROTTLED: LATER,
  TIMEOUT: LATER,
  CANCELLED: LATER,
  ACCESS_DENIED: REFUSED,
  UNAUTHENTICATED: REFUSED,
  MALFORMED: BROKEN,
  MISCONFIGURED: BROKEN,
  ROTATION_INCOMPLETE: BROKEN,
  UNKNOWN: BROKEN,
};
