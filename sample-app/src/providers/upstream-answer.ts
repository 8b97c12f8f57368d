import { type Dispatcher } from 'undici';
import { readEvents } from '../chat/event-stream';
import { OpenAiError } from '../errors/openai-error';
import { parseAnswer, readText } from './bounded-body';
import { type Redaction } from './redaction';
import { notUnderstood, toBodyError, toEventError } from './upstream-errors';

/** An answer of a provider with the status 200. The keys of the request are redacted. */
export class UpstreamAnswer {
  constructor(
    private readonly response: Dispatcher.ResponseData,
    private readonly redaction: Redaction,
  ) {}

  /** Resolves to the JSON of the body. Rejects if it is no object, or reports an error. */
  async json(): Promise<object> {
    const text = await readText(this.response.body).catch((error: unknown) => {
      throw toBodyError(error);
    });
    try {
      return this.checked(this.redaction.json(parseAnswer(text)));
    } catch (error) {
      throw error instanceof OpenAiError ? error : notUnderstood();
    }
  }

  /** Yields the JSON of each event, and `[DONE]`. Throws if the body is no event stream, or breaks off. */
  async *events(): AsyncGenerator<object | '[DONE]'> {
    const { headers, body } = this.response;
    if (/json|html/i.test(String(headers['content-type']))) {
      void body.dump().catch(() => undefined);
      throw notUnderstood();
    }
    const redaction = this.redaction.forStream();
    try {
      for await (const data of readEvents(body)) {
        yield data === '[DONE]' ? data : this.checked(redaction.json(parseAnswer(data)));
      }
    } catch (error) {
      throw toBodyError(error);
    }
  }

  private checked(answer: unknown): object {
    if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
      throw notUnderstood();
    }
    const { error } = answer as { error?: unknown };
    if (error) throw toEventError(error, this.redaction);
    return answer;
  }
}
