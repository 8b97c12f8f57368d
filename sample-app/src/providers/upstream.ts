import { HttpStatus, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { Agent, request, type Dispatcher } from 'undici';
import { type Model } from '../config/model-list';
import { SecretHits } from '../status/secret-hits';
import { MAX_REFUSAL_BYTES, readText } from './bounded-body';
import { Redaction } from './redaction';
import { UpstreamAnswer } from './upstream-answer';
import { ofNoAnswer, ofRefusal } from './upstream-errors';

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
   * Resolves to a good answer. A key that the provider refuses may have been rotated: it is read again from the store, and
   * the request is sent a second time, and never a third.
   */
  async post(model: Model, wanted: UpstreamRequest): Promise<UpstreamAnswer> {
    const key = await this.keyOf(model);
    const answer = await this.send(model, wanted, key);
    if (!KEY_REFUSED.has(answer.statusCode) || model.apiKey === undefined) {
      return await goodAnswer(answer, [key]);
    }
    await answer.body.dump();
    await this.secrets.refresh(model.apiKey); // for all requests that are refused at once, the store gets one call
    const nextKey = await this.keyOf(model);
    return await goodAnswer(await this.send(model, wanted, nextKey), [key, nextKey]);
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

const KEY_REFUSED: ReadonlySet<number> = new Set([HttpStatus.UNAUTHORIZED, HttpStatus.FORBIDDEN]);

async function goodAnswer(
  answer: Dispatcher.ResponseData,
  keys: readonly (string | undefined)[],
): Promise<UpstreamAnswer> {
  const redaction = new Redaction(keys);
  if (answer.statusCode === 200) return new UpstreamAnswer(answer, redaction);
  const text = await readText(answer.body, MAX_REFUSAL_BYTES).catch(() => '');
  throw ofRefusal(answer, text, redaction);
}
