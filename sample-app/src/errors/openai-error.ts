import { HttpException } from '@nestjs/common';

export interface OpenAiErrorDetails {
  readonly message: string;
  readonly type: string;
  readonly param?: string | null;
  readonly code?: string | null;
  readonly retryAfterMs?: number;
  /** A client must not repeat the request. OpenAI's clients obey; by the status alone they would repeat it. */
  readonly isFinal?: boolean;
}

/** An error that OpenAI's clients understand. The caller gets its details, so they hold nothing secret. `message` is for the log. */
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

  /** Names the subject in the text for the log, and not in the answer. */
  about(subject: string): this {
    this.message = `${subject}: ${this.message}`;
    return this;
  }
}
