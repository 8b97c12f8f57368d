import { HttpStatus } from '@nestjs/common';
import { OpenAiError } from '../errors/openai-error';

export function notAuthenticated(): OpenAiError {
  return new OpenAiError(HttpStatus.UNAUTHORIZED, {
    message: 'The key is missing, wrong, deleted or expired. Send "Authorization: Bearer sk-...".',
    type: 'authentication_error',
    code: 'invalid_api_key',
  });
}

export function tooManyUnknownKeys(): OpenAiError {
  return new OpenAiError(HttpStatus.TOO_MANY_REQUESTS, {
    message: 'The gateway looks up too many unknown keys now. Try again in a second.',
    type: 'rate_limit_error',
    code: 'too_many_unknown_keys',
    retryAfterMs: 1_000,
  });
}

export function noSuchKey(): OpenAiError {
  return new OpenAiError(HttpStatus.NOT_FOUND, {
    message: 'There is no such key.',
    type: 'not_found_error',
    param: 'key',
    code: 'key_not_found',
  });
}

export function aliasIsTaken(): OpenAiError {
  return new OpenAiError(HttpStatus.CONFLICT, {
    message: 'There is a key with this alias. Choose another one, or delete that key.',
    type: 'invalid_request_error',
    param: 'key_alias',
    code: 'conflict',
  });
}

export function keyIsTaken(): OpenAiError {
  return new OpenAiError(HttpStatus.CONFLICT, {
    message: 'There is such a key. Choose another one, or let the gateway choose.',
    type: 'invalid_request_error',
    param: 'key',
    code: 'conflict',
  });
}

export function keyWasReplaced(): OpenAiError {
  return new OpenAiError(HttpStatus.CONFLICT, {
    message: 'The key was replaced already. Speak of the key that replaced it.',
    type: 'invalid_request_error',
    param: 'key',
    code: 'conflict',
  });
}

export function keyIsChanging(): OpenAiError {
  return new OpenAiError(HttpStatus.CONFLICT, {
    message: 'Another request changes the key at this moment. Look at the key, and try again.',
    type: 'invalid_request_error',
    param: 'key',
    code: 'conflict',
  });
}
