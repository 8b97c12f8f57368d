import { Injectable } from '@nestjs/common';
import { wantsUsage } from '../chat/chat-request';
import { readEvents } from '../chat/event-stream';
import { toAnthropic } from './anthropic-request';
import { fromAnthropic, fromAnthropicEvents, type AnthropicMessage } from './anthropic-answer';
import { type Provider, type ProviderCall } from './provider';
import { Upstream, type UpstreamBody } from './upstream';

const ANTHROPIC = 'https://api.anthropic.com';

/** Anthropic's messages API, for text. */
@Injectable()
export class AnthropicProvider implements Provider {
  constructor(private readonly upstream: Upstream) {}

  async complete(call: ProviderCall): Promise<object> {
    const answer = await this.upstream.readJson(await this.send(call));
    return fromAnthropic(answer as AnthropicMessage);
  }

  async stream(call: ProviderCall): Promise<AsyncIterable<object>> {
    const withUsage = wantsUsage(call.chat);
    return fromAnthropicEvents(readEvents(await this.send(call)), { withUsage });
  }

  private send({ model, chat, signal }: ProviderCall): Promise<UpstreamBody> {
    const { apiBase = ANTHROPIC, upstreamModel } = model;
    return this.upstream.post(model, {
      url: `${apiBase}/v1/messages`,
      headersFor: (key = '') => ({ 'x-api-key': key, 'anthropic-version': '2023-06-01' }),
      content: toAnthropic(chat, upstreamModel),
      signal,
    });
  }
}
