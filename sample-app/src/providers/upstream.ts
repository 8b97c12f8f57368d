import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { Agent, request, type Dispatcher } from 'undici';
import { type Model } from '../config/model-list';
import { OpenAiError } from '../errors/openai-error';
import { SecretHits } from '../status/secret-hits';
import { MAX_REFUSAL_BYTES, parseAnswer, readText } from './bounded-body';
import { ofNoAnswer, ofRefusal } from './upstream-errors';

export type UpstreamBody = Dispatcher.ResponseData['body'];

export interface UpstreamRequest {
  readonly url: string;
  readonly headersFor: (key: string | undefined) => Record<string, string> | undefined;
  readonly content: object;
  readonly signal: AbortSignal;
}

/** Calls providers, each with the key that the store has for it at the moment. */
@Injectable()
export class Upstream implements OnApplicationShutdown {
  readonly #connections = new Agent();

  constructor(
    private readonly secrets: SecretsService,
    private readonly hits: SecretHits,
  ) {}

  /**
   * Resolves to the body of an answer that is good. A key that the provider refuses may have been rotated: it is read again
   * from the store, and the request repeated, once.
   */
  async post(model: Model, wanted: UpstreamRequest): Promise<UpstreamBody> {
    const key = await this.keyOf(model);
    const answer = await this.send(model, wanted, key);
    if (answer.statusCode !== 401 || model.apiKey === undefined) return await goodBody(answer, key);
    await answer.body.dump();
    await this.secrets.refresh(model.apiKey); // of all who are refused at once, the store hears one
    const nextKey = await this.keyOf(model);
    return await goodBody(await this.send(model, wanted, nextKey), nextKey);
  }

  async readJson(body: UpstreamBody): Promise<object> {
    try {
      return Object(parseAnswer(await readText(body))) as object;
    } catch (error) {
      throw error instanceof OpenAiError ? error : ofNoAnswer(error);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#connections.destroy();
  }

  private async keyOf({ apiKey }: Model): Promise<string | undefined> {
    if (apiKey === undefined) return undefined;
    const secret = this.secrets.secret(apiKey);
    this.hits.add(secret.name);
    return await secret.get();
  }

  private async send(
    { timeoutMs }: Model,
    { url, headersFor, content, signal }: UpstreamRequest,
    key: string | undefined,
  ): Promise<Dispatcher.ResponseData> {
    try {
      return await request(url, {
        dispatcher: this.#connections,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headersFor(key) },
        body: JSON.stringify(content),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal,
      });
    } catch (error) {
      throw ofNoAnswer(error);
    }
  }
}

async function goodBody(
  answer: Dispatcher.ResponseData,
  key: string | undefined,
): Promise<UpstreamBody> {
  if (answer.statusCode === 200) return answer.body;
  const text = await readText(answer.body, MAX_REFUSAL_BYTES).catch(() => '');
  throw ofRefusal(answer, text, key);
}
