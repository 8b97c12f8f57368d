import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { Agent, request, type Dispatcher } from 'undici';
import { type Model } from '../config/model-list';
import { SecretHits } from '../status/secret-hits';
import { MAX_REFUSAL_BYTES, readText } from './bounded-body';
import { Redaction } from './redaction';
import { UpstreamAnswer } from './upstream-answer';
import { RefusedKeyError, toRefusalError, toRequestError } from './upstream-errors';

export interface UpstreamRequest {
  readonly url: string;
  readonly headersFor: (key: string | undefined) => Record<string, string> | undefined;
  readonly content: object;
  readonly signal: AbortSignal;
}

/** Calls providers, each with the current key from the store. */
@Injectable()
export class Upstream implements OnApplicationShutdown {
  readonly #connections = new Agent();

  constructor(
    private readonly secrets: SecretsService,
    private readonly hits: SecretHits,
  ) {}

  /**
   * Resolves to the answer of a provider. A refused key may have been rotated, so it is read again from the store.
   * The request is then sent a second time, and never a third.
   */
  async post(model: Model, wanted: UpstreamRequest): Promise<UpstreamAnswer> {
    const keys: string[] = [];
    const ask = async (key?: string): Promise<UpstreamAnswer> => {
      if (key !== undefined) keys.push(key);
      return await assertAnswered(await this.send(model, wanted, key), keys);
    };
    if (model.apiKey === undefined) return await ask();
    const secret = this.secrets.secret(model.apiKey);
    this.hits.add(secret.name);
    return await secret.use(ask, { isRejected: (error) => error instanceof RefusedKeyError });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#connections.destroy();
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
      throw toRequestError(error);
    }
  }
}

async function assertAnswered(
  answer: Dispatcher.ResponseData,
  keys: readonly string[],
): Promise<UpstreamAnswer> {
  const redaction = new Redaction(keys);
  if (answer.statusCode === 200) return new UpstreamAnswer(answer, redaction);
  const text = await readText(answer.body, MAX_REFUSAL_BYTES).catch(() => '');
  throw toRefusalError(answer, text, redaction);
}
