import { HttpStatus, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SecretsService } from 'nestjs-custom-secret-manager';
import { Agent, request, type Dispatcher } from 'undici';
import { type Model } from '../config/model-list';
import { SecretHits } from '../status/secret-hits';
import { MAX_REFUSAL_BYTES, readText } from './bounded-body';
import { Redaction } from './redaction';
import { UpstreamAnswer } from './upstream-answer';
import { toRefusalError, toRequestError } from './upstream-errors';

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
    const key = await this.keyOf(model);
    const answer = await this.send(model, wanted, key);
    if (!KEY_REFUSED.has(answer.statusCode) || model.apiKey === undefined) {
      return await assertAnswered(answer, [key]);
    }
    await answer.body.dump();
    await this.secrets.refresh(model.apiKey); // concurrent refusals share one call to the store
    const nextKey = await this.keyOf(model);
    return await assertAnswered(await this.send(model, wanted, nextKey), [key, nextKey]);
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
      throw toRequestError(error);
    }
  }
}

const KEY_REFUSED: ReadonlySet<number> = new Set([HttpStatus.UNAUTHORIZED, HttpStatus.FORBIDDEN]);

async function assertAnswered(
  answer: Dispatcher.ResponseData,
  keys: readonly (string | undefined)[],
): Promise<UpstreamAnswer> {
  const redaction = new Redaction(keys);
  if (answer.statusCode === 200) return new UpstreamAnswer(answer, redaction);
  const text = await readText(answer.body, MAX_REFUSAL_BYTES).catch(() => '');
  throw toRefusalError(answer, text, redaction);
}
