import { HttpStatus } from '@nestjs/common';
import { type Dispatcher } from 'undici';
import { OpenAiError, type OpenAiErrorDetails } from '../errors/openai-error';
import { type Redaction } from './redaction';
import { retryAfterMs } from './retry-after';

/** Returns the error for a request without an answer. */
export function toRequestError(thrown: unknown): OpenAiError {
  return toTimeoutError(thrown) ?? serverError('The provider could not be asked.');
}

/** Returns the error for an answer that broke off. */
export function toBodyError(thrown: unknown): OpenAiError {
  return thrown instanceof OpenAiError ? thrown : (toTimeoutError(thrown) ?? brokenOff());
}

export function brokenOff(): OpenAiError {
  return serverError('The provider broke off.');
}

/** Returns the error for a 200 whose body is no completion. */
export function notUnderstood(): OpenAiError {
  return serverError('The provider answered something else than a completion.');
}

/** Returns the error for a 200 or an event that reports a failure. The text quotes nothing of it. */
export function reportedError(): OpenAiError {
  return serverError('The provider reported an error.');
}

/** Returns the error for a refusal. The provider's own words are passed on only if they are about the request. */
export function toRefusalError(
  { statusCode, headers }: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>,
  text: string,
  redaction: Redaction,
): OpenAiError {
  const details = detailsIn(text, redaction);
  const later = { retryAfterMs: retryAfterMs(headers) };
  if (statusCode === 401 || statusCode === 403) return new RefusedKeyError();
  if (statusCode === 429) {
    return [details.code, details.type].includes(QUOTA) ? outOfQuota() : rateLimited(later);
  }
  if (statusCode < 400 || statusCode >= 500) return serverError('The provider failed.', later);
  return new OpenAiError(statusCode, {
    message: 'The provider refused the request.',
    type: 'invalid_request_error',
    ...details,
    ...later,
  });
}

/** The error of a request whose key the provider refused. */
export class RefusedKeyError extends OpenAiError {
  constructor() {
    super(HttpStatus.BAD_GATEWAY, {
      message: "The provider refused the gateway's key.",
      type: 'server_error',
      code: 'provider_error',
    });
  }
}

const QUOTA = 'insufficient_quota';

/** Returns a final 429. Clients would otherwise retry it until the gateway's bill is paid. */
function outOfQuota(): OpenAiError {
  return new OpenAiError(HttpStatus.TOO_MANY_REQUESTS, {
    message: "The gateway's quota at the provider is used up.",
    type: QUOTA,
    code: QUOTA,
    isFinal: true,
  });
}

function rateLimited(later: Pick<OpenAiErrorDetails, 'retryAfterMs'>): OpenAiError {
  return new OpenAiError(HttpStatus.TOO_MANY_REQUESTS, {
    message: 'The provider asks to come back later.',
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
    ...later,
  });
}

function serverError(message: string, more: Partial<OpenAiErrorDetails> = {}): OpenAiError {
  const details = { message, type: 'server_error', code: 'provider_error', ...more };
  return new OpenAiError(HttpStatus.BAD_GATEWAY, details);
}

/**
 * Returns a final error for a timeout. The completion may have been paid for, and a client that retries pays again.
 */
function toTimeoutError(thrown: unknown): OpenAiError | undefined {
  const { code } = Object(thrown) as { code?: unknown };
  if (typeof code !== 'string' || !code.endsWith('TIMEOUT')) return undefined;
  return new OpenAiError(HttpStatus.GATEWAY_TIMEOUT, {
    message: 'The provider did not answer in time.',
    type: 'server_error',
    code: 'provider_error',
    isFinal: code !== 'UND_ERR_CONNECT_TIMEOUT',
  });
}

/** Returns the details of an error. OpenAI and Anthropic both answer `{ error: { message, type } }`. */
function detailsIn(text: string, redaction: Redaction): Partial<OpenAiErrorDetails> {
  try {
    const { error } = Object(JSON.parse(text)) as { error?: unknown };
    return detailsOf(error, redaction);
  } catch {
    return {};
  }
}

function detailsOf(error: unknown, redaction: Redaction): Partial<OpenAiErrorDetails> {
  const given = Object(error) as Partial<Record<string, unknown>>;
  const entries = ['message', 'type', 'param', 'code'].flatMap((name) => {
    const text = given[name];
    return typeof text === 'string' ? [[name, redaction.error(text.slice(0, LONGEST_TEXT))]] : [];
  });
  return Object.fromEntries(entries) as Partial<OpenAiErrorDetails>;
}

const LONGEST_TEXT = 2_000;
