import {
  BadRequestException,
  Catch,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';

/** `JSON.parse` quotes what it cannot read, and a body that it cannot read may hold a secret. */
@Catch(BadRequestException)
export class UnreadableBodyFilter extends BaseExceptionFilter implements ExceptionFilter {
  override catch(exception: BadRequestException, host: ArgumentsHost): void {
    const isUnreadable = exception.cause instanceof SyntaxError;
    super.catch(
      isUnreadable ? new BadRequestException('The body is not valid JSON.') : exception,
      host,
    );
  }
}
