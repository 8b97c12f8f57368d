import { Injectable } from '@nestjs/common';
import { type Provider, type ProviderCall } from './provider';
import { Upstream } from './upstream';
import { type UpstreamAnswer } from './upstream-answer';
import { brokenOff, notUnderstood } from './upstream-errors';

const OPENAI = 'https://api.openai.com/v1';

/** OpenAI, and every compatible server at another `api_base`. */
@Injectable()
export class OpenAiProvider implements Provider {
  constructor(private readonly upstream: Upstream) {}

  async complete(call: ProviderCall): Promise<object> {
    return await (await this.send(call)).json(withChoices);
  }

  async stream(call: ProviderCall): Promise<AsyncIterable<object>> {
    return (await this.send(call)).stream(untilDone);
  }

  private send({ model, chat, signal }: ProviderCall): Promise<UpstreamAnswer> {
    const { apiBase = OPENAI, upstreamModel } = model;
    return this.upstream.post(model, {
      url: `${apiBase}/chat/completions`,
      headersFor: (key) => (key === undefined ? undefined : { authorization: `Bearer ${key}` }),
      content: { ...chat, model: upstreamModel },
      signal,
    });
  }
}

function withChoices(answer: object): object {
  const { choices } = answer as { choices?: unknown };
  if (!Array.isArray(choices) || choices.length === 0) throw notUnderstood();
  return answer;
}

/** Yields the events before `[DONE]`. Throws if it is missing, because the stream was cut off. */
async function* untilDone(events: AsyncIterable<object | '[DONE]'>): AsyncGenerator<object> {
  for await (const event of events) {
    if (event === '[DONE]') return;
    yield event;
  }
  throw brokenOff();
}
