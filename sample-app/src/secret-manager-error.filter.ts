import {
  Catch,
  HttpStatus,
  Logger,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SecretManagerError, type SecretManagerErrorCode } from 'nestjs-custom-secret-manager';

const LATER = [
  HttpStatus.SERVICE_UNAVAILABLE,
  'Secrets are not available now. Try again later.',
] as const;
const REFUSED = [HttpStatus.BAD_GATEWAY, 'The secret store refused the application.'] as const;
const BROKEN = [HttpStatus.INTERNAL_SERVER_ERROR, 'The secret could not be had.'] as const;

const ANSWERS: Readonly<Record<SecretManagerErrorCode, readonly [number, string]>> = {
  NOT_FOUND: [HttpStatus.NOT_FOUND, 'There is no such secret.'],
  INVALID_ARGUMENT: [HttpStatus.BAD_REQUEST, 'The name or the value is not valid.'],
  NOT_PERMITTED: [HttpStatus.FORBIDDEN, 'The settings of the application do not permit it.'],
  CONFLICT: [HttpStatus.CONFLICT, 'The secret exists already, or was changed meanwhile.'],
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

/** Answers with the code and a fixed text; the details, which name secrets but hold none, go to the log. */
@Catch(SecretManagerError)
export class SecretManagerErrorFilter implements ExceptionFilter<SecretManagerError> {
  readonly #logger = new Logger(SecretManagerErrorFilter.name);

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch({ code, message: details, retryAfterMs }: SecretManagerError, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    const [statusCode, message] = ANSWERS[code];
    if (statusCode >= 500) this.#logger.warn(details);
    if (retryAfterMs !== undefined) {
      httpAdapter.setHeader(response, 'Retry-After', String(Math.ceil(retryAfterMs / 1000)));
    }
    httpAdapter.reply(response, { statusCode, code, message }, statusCode);
  }
}
