import { type Dispatcher } from 'undici';
import { readEvents } from '../chat/event-stream';
import { OpenAiError } from '../errors/openai-error';
import { parseAnswer, readText } from './bounded-body';
import { type Redaction } from './redaction';
import { notUnderstood, ofBrokenBody, ofErrorEvent } from './upstream-errors';

/** An answer of a provider with the status 200, without the keys that the provider was asked with. */
export class UpstreamAnswer {
  constructor(
    private readonly response: Dispatcher.ResponseData,
    private readonly redaction: Redaction,
  ) {}

  /** Resolves to the JSON of the body. Rejects if it is no object, or tells an error. */
  async json(): Promise<object> {
    const text = await readText(this.response.body).catch((error: unknown) => {
      throw ofBrokenBody(error);
    });
    try {
      return this.checked(this.redaction.json(parseAnswer(text)));
    } catch (error) {
      throw error instanceof OpenAiError ? error : notUnderstood();
    }
  }

  /** Yields the JSON of each event, and `[DONE]`. Throws for a body that is no stream of events, and one that breaks off. */
  async *events(): AsyncGenerator<object | '[DONE]'> {
    const { headers, body } = this.response;
    if (/json|html/i.test(String(headers['content-type']))) {
      void body.dump().catch(() => undefined);
      throw notUnderstood();
    }
    const redaction = this.redaction.ofStream();
    try {
      for await (const data of readEvents(body)) {
        yield data === '[DONE]' ? data : this.checked(redaction.json(parseAnswer(data)));
      }
    } catch (error) {
      throw ofBrokenBody(error);
    }
  }

  private checked(answer: unknown): object {
    if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
      throw notUnderstood();
    }
    const { error } = answer as { error?: unknown };
    if (error) throw ofErrorEvent(error, this.redaction);
    return answer;
  }
}
