import { HttpException } from '@nestjs/common';

export interface OpenAiErrorDetails {
  readonly message: string;
  readonly type: string;
  readonly param?: string | null;
  readonly code?: string | null;
  readonly retryAfterMs?: number;
}

/** An error that OpenAI's clients understand. Its text goes to the caller, so it holds nothing secret. */
export class OpenAiError extends HttpException {
  readonly retryAfterMs?: number;

  constructor(
    status: number,
    { message, type, param = null, code = null, retryAfterMs }: OpenAiErrorDetails,
  ) {
    super({ error: { message, type, param, code } }, status);
    this.message = message;
    this.retryAfterMs = retryAfterMs;
  }
}
