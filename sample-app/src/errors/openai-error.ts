import { HttpException } from '@nestjs/common';

export interface OpenAiErrorDetails {
  readonly message: string;
  readonly type: string;
  readonly param?: string | null;
  readonly code?: string | null;
  readonly retryAfterMs?: number;
  /** Tells clients not to retry. By the status alone, the clients of OpenAI would retry. */
  readonly isFinal?: boolean;
}

/**
 * An error in the form of OpenAI. The caller gets its details, so they hold nothing secret. `message` is for the log.
 */
export class OpenAiError extends HttpException {
  readonly retryAfterMs?: number;
  readonly isFinal: boolean;

  constructor(status: number, details: OpenAiErrorDetails) {
    const { message, type, param = null, code = null } = details;
    super({ error: { message, type, param, code } }, status);
    this.message = message;
    this.retryAfterMs = details.retryAfterMs;
    this.isFinal = details.isFinal ?? false;
  }

  /** Adds the subject to the text for the log, but not to the answer. */
  about(subject: string): this {
    this.message = `${subject}: ${this.message}`;
    return this;
  }
}
