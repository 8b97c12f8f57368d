import { type ChatRequest } from '../chat/chat-request';
import { type Model } from '../config/model-list';

export interface ProviderCall {
  readonly model: Model;
  readonly chat: ChatRequest;
  /** Aborted when the caller has left. */
  readonly signal: AbortSignal;
}

/** Answers in OpenAI's form, whatever its own is. What it rejects with is an `OpenAiError` or a `SecretManagerError`. */
export interface Provider {
  complete(call: ProviderCall): Promise<object>;
  /** Resolves when the provider has begun to answer. */
  stream(call: ProviderCall): Promise<AsyncIterable<object>>;
}
