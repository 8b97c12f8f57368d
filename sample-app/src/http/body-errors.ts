import { HttpException, HttpStatus } from '@nestjs/common';
import { OpenAiError } from '../errors/openai-error';
import { type JsonBounds } from './json-bounds';

/** Returns an error with only a status. `OpenAiErrorFilter` adds its text. */
export function refusedBody(status: HttpStatus): HttpException {
  return new HttpException('', status);
}

export function tooComplex(bound: keyof JsonBounds, max: number): OpenAiError {
  const message = {
    maxDepth: `The body is nested too deep. The gateway takes JSON of ${max} levels.`,
    maxValues: `The body has too many values. The gateway takes JSON of ${max} values.`,
  }[bound];
  return new OpenAiError(HttpStatus.BAD_REQUEST, { message, type: 'invalid_request_error' });
}

export function tooManyBodies(): OpenAiError {
  return new OpenAiError(HttpStatus.SERVICE_UNAVAILABLE, {
    message: 'The gateway is busy with other large requests. Try again in a second.',
    type: 'server_error',
    code: 'overloaded',
    retryAfterMs: 1_000,
  });
}
