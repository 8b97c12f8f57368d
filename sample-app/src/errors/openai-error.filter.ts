import { type ServerResponse } from 'node:http';
import {
  Catch,
  HttpException,
  HttpStatus,
  Logger,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { isSecretManagerError } from 'nestjs-custom-secret-manager';
import { requestIdOf } from '../request-id';
import { ofSecretManager } from './of-secret-manager';
import { OpenAiError } from './openai-error';

/** Whatever fails is answered in OpenAI's form, with a text of this application: others may quote a body, a URL or a key. */
@Catch()
export class OpenAiErrorFilter implements ExceptionFilter {
  readonly #logger = new Logger('Gateway');

  constructor(private readonly adapterHost: HttpAdapterHost) {}

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
    const told = (answer: OpenAiError, text: string): OpenAiError => {
      if (answer.getStatus() >= 500) this.warn(text, requestId);
      return answer;
    };
    if (isSecretManagerError(thrown)) return told(ofSecretManager(thrown), thrown.message);
    if (thrown instanceof OpenAiError) return told(thrown, thrown.message);
    if (thrown instanceof HttpException) return isOfHealth(thrown) ? thrown : ofNest(thrown);
    const name = thrown instanceof Error ? thrown.name : typeof thrown;
    return told(ofNest(new HttpException('', HttpStatus.INTERNAL_SERVER_ERROR)), `${name}.`);
  }

  /** Logs what is not the caller's fault. Such texts name secrets, and hold none. */
  private warn(text: string, requestId: string): void {
    this.#logger.warn(`A request failed: ${text} (request ${requestId})`);
  }
}

/** The health check answers with an object `error`, which has to stay as it is. */
function isOfHealth(exception: HttpException): boolean {
  const { error } = exception.getResponse() as { error?: unknown };
  return typeof error === 'object';
}

function ofNest(exception: HttpException): OpenAiError {
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
