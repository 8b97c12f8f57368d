import { Injectable } from '@nestjs/common';
import { readEvents } from '../chat/event-stream';
import { type Provider, type ProviderCall } from './provider';
import { Upstream, type UpstreamBody } from './upstream';

const OPENAI = 'https://api.openai.com/v1';

/** OpenAI, and every server that speaks its language at another `api_base`. */
@Injectable()
export class OpenAiProvider implements Provider {
  constructor(private readonly upstream: Upstream) {}

  async complete(call: ProviderCall): Promise<object> {
    return await this.upstream.readJson(await this.send(call));
  }

  async stream(call: ProviderCall): Promise<AsyncIterable<object>> {
    return chunksOf(await this.send(call));
  }

  private send({ model, chat, signal }: ProviderCall): Promise<UpstreamBody> {
    const { apiBase = OPENAI, upstreamModel } = model;
    return this.upstream.post(model, {
      url: `${apiBase}/chat/completions`,
      headersFor: (key) => (key === undefined ? undefined : { authorization: `Bearer ${key}` }),
      content: { ...chat, model: upstreamModel },
      signal,
    });
  }
}

async function* chunksOf(body: UpstreamBody): AsyncGenerator<object> {
  for await (const data of readEvents(body)) {
    if (data === '[DONE]') return;
    yield JSON.parse(data) as object;
  }
}
