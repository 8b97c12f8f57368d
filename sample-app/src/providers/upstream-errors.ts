import { HttpStatus } from '@nestjs/common';
import { type Dispatcher } from 'undici';
import { OpenAiError, type OpenAiErrorDetails } from '../errors/openai-error';

/** What a caller is told when the provider did not answer. */
export function ofNoAnswer(thrown: unknown): OpenAiError {
  const { code } = Object(thrown) as { code?: unknown };
  const isTimeout = typeof code === 'string' && code.endsWith('TIMEOUT');
  return isTimeout
    ? serverError(HttpStatus.GATEWAY_TIMEOUT, 'The provider did not answer in time.')
    : serverError(HttpStatus.BAD_GATEWAY, 'The provider could not be asked.');
}

/** What a caller is told when the provider ended in the middle of its answer. */
export function brokenOff(): OpenAiError {
  return serverError(HttpStatus.BAD_GATEWAY, 'The provider broke off.');
}

/** What a caller is told when the provider refused. Its own words are passed on only where they are about the request. */
export function ofRefusal(
  { statusCode, headers }: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>,
  text: string,
  key: string | undefined,
): OpenAiError {
  if (statusCode === 401 || statusCode === 403) {
    return serverError(HttpStatus.BAD_GATEWAY, "The provider refused the gateway's key.");
  }
  if (statusCode === 429) {
    return new OpenAiError(statusCode, {
      message: 'The provider asks to come back later.',
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
      retryAfterMs: retryAfterMs(headers['retry-after']),
    });
  }
  if (statusCode < 400 || statusCode >= 500)
    return serverError(HttpStatus.BAD_GATEWAY, 'The provider failed.');
  const quotesKey = key !== undefined && text.includes(key);
  const details = quotesKey ? {} : detailsOf(text);
  return new OpenAiError(statusCode, {
    message: 'The provider refused the request.',
    type: 'invalid_request_error',
    ...details,
  });
}

function serverError(status: HttpStatus, message: string): OpenAiError {
  return new OpenAiError(status, { message, type: 'server_error', code: 'provider_error' });
}

/** OpenAI and Anthropic both answer `{ error: { message, type } }`. */
function detailsOf(text: string): Partial<OpenAiErrorDetails> {
  try {
    const { error } = JSON.parse(text) as { error?: Partial<Record<string, unknown>> };
    const fields = ['message', 'type', 'param', 'code'].filter(
      (name) => typeof error?.[name] === 'string',
    );
    return Object.fromEntries(fields.map((name) => [name, error?.[name]]));
  } catch {
    return {};
  }
}

function retryAfterMs(header: string | string[] | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) ? seconds * 1_000 : undefined;
}
