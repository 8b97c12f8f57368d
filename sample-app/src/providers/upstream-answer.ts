import { type Dispatcher } from 'undici';
import { readEvents } from '../chat/event-stream';
import { OpenAiError } from '../errors/openai-error';
import { parseAnswer, readText } from './bounded-body';
import { type Redaction } from './redaction';
import { notUnderstood, toBodyError, reportedError } from './upstream-errors';

/** An answer of a provider with the status 200. The keys of the request are redacted. */
export class UpstreamAnswer {
  constructor(
    private readonly response: Dispatcher.ResponseData,
    private readonly redaction: Redaction,
  ) {}

  /**
   * Resolves to the JSON of the body, translated and then redacted, because a translation may join the parts of a key.
   * Rejects if the JSON is no object, reports an error, or cannot be translated.
   */
  async json(translate: (answer: object) => object): Promise<object> {
    const text = await readText(this.response.body).catch((error: unknown) => {
      throw toBodyError(error);
    });
    try {
      return this.redaction.json(translate(checked(parseAnswer(text))));
    } catch (error) {
      throw error instanceof OpenAiError ? error : notUnderstood();
    }
  }

  /**
   * Yields the JSON of the events, translated and then redacted. The translation also gets `[DONE]`. Throws if the body is
   * no event stream, reports an error, breaks off, or cannot be translated.
   */
  async *stream(translate: Translate): AsyncGenerator<object> {
    const { headers, body } = this.response;
    if (/json|html/i.test(String(headers['content-type']))) {
      void body.dump().catch(() => undefined);
      throw notUnderstood();
    }
    const redact = this.redaction.forStream();
    try {
      for await (const chunk of translate(eventsOf(body))) yield redact(chunk);
    } catch (error) {
      throw toBodyError(error);
    }
  }
}

type Translate = (events: AsyncIterable<object | '[DONE]'>) => AsyncIterable<object>;

async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<object | '[DONE]'> {
  for await (const data of readEvents(body)) {
    yield data === '[DONE]' ? data : checked(parseAnswer(data));
  }
}

function checked(answer: unknown): object {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw notUnderstood();
  if ('error' in answer && answer.error) throw reportedError();
  return answer;
}
