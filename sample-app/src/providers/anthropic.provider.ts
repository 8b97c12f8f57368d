import { Injectable } from '@nestjs/common';
import { wantsUsage } from '../chat/chat-request';
import { toAnthropic } from './anthropic-request';
import { fromAnthropic, fromAnthropicEvents, type AnthropicMessage } from './anthropic-answer';
import { type Provider, type ProviderCall } from './provider';
import { Upstream } from './upstream';
import { type UpstreamAnswer } from './upstream-answer';

const ANTHROPIC = 'https://api.anthropic.com';

/** Anthropic's messages API, for text. */
@Injectable()
export class AnthropicProvider implements Provider {
  constructor(private readonly upstream: Upstream) {}

  async complete(call: ProviderCall): Promise<object> {
    const answer = await this.send(call);
    return await answer.json((message) => fromAnthropic(message as AnthropicMessage));
  }

  async stream(call: ProviderCall): Promise<AsyncIterable<object>> {
    const withUsage = wantsUsage(call.chat);
    const answer = await this.send(call);
    return answer.stream((events) => fromAnthropicEvents(events, { withUsage }));
  }

  private send({ model, chat, signal }: ProviderCall): Promise<UpstreamAnswer> {
    const { apiBase = ANTHROPIC, upstreamModel } = model;
    return this.upstream.post(model, {
      url: `${apiBase}/v1/messages`,
      headersFor: (key = '') => ({ 'x-api-key': key, 'anthropic-version': '2023-06-01' }),
      content: toAnthropic(chat, upstreamModel),
      signal,
    });
  }
}
