import { HttpException } from '@nestjs/common';

export interface OpenAiErrorDetails {
  readonly message: string;
  readonly type: string;
  readonly param?: string | null;
  readonly code?: string | null;
  readonly retryAfterMs?: number;
  /** Tells clients not to retry. By the status alone, the clients of OpenAI would retry. */
  readonly isFinal?: boolean;
  /** The text for the log, if the message quotes a provider. Default: the message. */
  readonly logText?: string;
}

/**
 * An error in the form of OpenAI. The caller gets its details, so they hold nothing secret. `message` is for the log.
 */
export class OpenAiError extends HttpException {
  readonly retryAfterMs?: number;
  readonly isFinal: boolean;

  constructor(status: number, details: OpenAiErrorDetails) {
    const { message, type, param = null, code = null, logText = message } = details;
    super({ error: { message, type, param, code } }, status);
    this.message = logText;
    this.retryAfterMs = details.retryAfterMs;
    this.isFinal = details.isFinal ?? false;
  }

  /** Adds the subject to the text for the log, but not to the answer. */
  about(subject: string): this {
    this.message = `${subject}: ${this.message}`;
    return this;
  }
}
