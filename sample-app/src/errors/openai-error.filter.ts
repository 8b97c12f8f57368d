import { type ServerResponse } from 'node:http';
import {
  Catch,
  HttpException,
  HttpStatus,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { isSecretManagerError } from 'nestjs-custom-secret-manager';
import { requestIdOf } from '../request-id';
import { FailureLog } from './failure-log';
import { OpenAiError } from './openai-error';
import { toOpenAiError } from './to-openai-error';

/**
 * Answers every failure in the form of OpenAI, with a text of this application. Other texts may quote a body, a URL
 * or a key.
 */
@Catch()
export class OpenAiErrorFilter implements ExceptionFilter {
  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly log: FailureLog,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<ServerResponse>();
    const answer = this.answerTo(thrown, requestIdOf(response));
    if (httpAdapter.isHeadersSent(response)) return;
    if (answer instanceof OpenAiError && answer.retryAfterMs !== undefined) {
      const seconds = Math.ceil(answer.retryAfterMs / 1_000);
      httpAdapter.setHeader(response, 'Retry-After', String(seconds));
      httpAdapter.setHeader(response, 'retry-after-ms', String(answer.retryAfterMs));
    }
    if (answer instanceof OpenAiError && answer.isFinal) {
      httpAdapter.setHeader(response, 'x-should-retry', 'false');
    }
    httpAdapter.reply(response, answer.getResponse(), answer.getStatus());
  }

  private answerTo(thrown: unknown, requestId: string): HttpException {
    const logServerError = (answer: OpenAiError): OpenAiError => {
      if (answer.getStatus() >= 500) this.log.add(thrown, requestId); // the caller did not cause it
      return answer;
    };
    if (isSecretManagerError(thrown)) return logServerError(toOpenAiError(thrown));
    if (thrown instanceof OpenAiError) return logServerError(thrown);
    if (thrown instanceof HttpException) return isOfHealth(thrown) ? thrown : fromNest(thrown);
    return logServerError(fromNest(new HttpException('', HttpStatus.INTERNAL_SERVER_ERROR)));
  }
}

/** Tells whether the health check failed. Its answer has an object `error`, and must stay unchanged. */
function isOfHealth(exception: HttpException): boolean {
  const { error } = exception.getResponse() as { error?: unknown };
  return typeof error === 'object';
}

function fromNest(exception: HttpException): OpenAiError {
  const status = exception.getStatus();
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  const message = TEXTS.get(status) ?? 'The request could not be answered.';
  return new OpenAiError(status, { message, type });
}

const TEXTS: ReadonlyMap<number, string> = new Map([
  [HttpStatus.BAD_REQUEST, 'The body is not valid JSON.'],
  [HttpStatus.NOT_FOUND, 'There is no such route.'],
  [HttpStatus.PAYLOAD_TOO_LARGE, 'The body is too large.'],
  [HttpStatus.UNSUPPORTED_MEDIA_TYPE, 'The body must be JSON in UTF-8.'],
]);
