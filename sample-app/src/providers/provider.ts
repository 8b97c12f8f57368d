import { type ChatRequest } from '../chat/chat-request';
import { type Model } from '../config/model-list';

export interface ProviderCall {
  readonly model: Model;
  readonly chat: ChatRequest;
  /** Aborted when the caller has left. */
  readonly signal: AbortSignal;
}

/** A provider that answers in the form of OpenAI. It rejects only with an `OpenAiError` or a `SecretManagerError`. */
export interface Provider {
  complete(call: ProviderCall): Promise<object>;
  /** Resolves when the provider has begun to answer. */
  stream(call: ProviderCall): Promise<AsyncIterable<object>>;
}
