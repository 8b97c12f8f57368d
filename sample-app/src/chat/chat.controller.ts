import { type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Body, Controller, HttpStatus, Post, Res, UseGuards } from '@nestjs/common';
import { BodyPipe } from '../body.pipe';
import { BodyLimit } from '../http/json-body.interceptor';
import { CallerGuard, FromCaller, type Caller } from '../keys/caller';
import { type ProviderCall } from '../providers/provider';
import { Providers } from '../providers/providers';
import { toBodyError } from '../providers/upstream-errors';
import { FailureLog } from '../errors/failure-log';
import { OpenAiError } from '../errors/openai-error';
import { requestIdOf } from '../request-id';
import { ChatRequest } from './chat-request';
import { EVENT_STREAM, toEvent } from './event-stream';
import { PermittedModels } from './permitted-models';
import { wholeStream } from './whole-stream';

/**
 * Completes chats. A request passes through these steps:
 *
 * | step              | task                                         |
 * | ----------------- | -------------------------------------------- |
 * | `CallerGuard`     | checks the key of the caller                 |
 * | `BodyPipe`        | checks the body                              |
 * | `PermittedModels` | checks that the key may use the model        |
 * | `Providers`       | finds the provider                           |
 * | `Upstream`        | adds the provider's key, live from the store |
 */
@Controller(['v1/chat/completions', 'chat/completions'])
@UseGuards(CallerGuard)
@BodyLimit(20 * 1024 * 1024) // a long conversation
export class ChatController {
  constructor(
    private readonly models: PermittedModels,
    private readonly providers: Providers,
    private readonly log: FailureLog,
  ) {}

  @Post()
  async complete(
    @Body(new BodyPipe(ChatRequest, { allowsOtherFields: true })) chat: ChatRequest,
    @FromCaller() caller: Caller,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const model = this.models.find(chat.model, caller);
    const call = { model, chat, signal: abortOnClose(response) };
    try {
      await (chat.stream ? this.sendStream(call, response) : this.sendWhole(call, response));
    } catch (error) {
      if (call.signal.aborted) return; // the caller has left, and gets no error
      throw error instanceof OpenAiError ? error.about(subjectOf(call)) : error;
    }
  }

  private async sendWhole(call: ProviderCall, response: ServerResponse): Promise<void> {
    const answer = await this.providers.find(call.model).complete(call);
    response.writeHead(HttpStatus.OK, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  }

  /** Waits for the first chunk: a status can report an error only before anything is sent. */
  private async sendStream(call: ProviderCall, response: ServerResponse): Promise<void> {
    const chunks = wholeStream(await this.providers.find(call.model).stream(call));
    const first = await chunks.next();
    const onFailure = (thrown: unknown): OpenAiError => {
      const error = toBodyError(thrown).about(subjectOf(call));
      if (!call.signal.aborted) this.log.add(error, requestIdOf(response), 'A stream broke off');
      return error;
    };
    response.writeHead(HttpStatus.OK, EVENT_STREAM);
    const events = Readable.from(toEvents(first.value as object, chunks, onFailure));
    await pipeline(events, response).catch(() => undefined); // the caller left
  }
}

function subjectOf({ model }: ProviderCall): string {
  return `model ${JSON.stringify(model.name)}`;
}

/** Returns a signal that aborts the call to the provider when the caller leaves. */
function abortOnClose(response: ServerResponse): AbortSignal {
  const left = new AbortController();
  response.once('close', () => left.abort());
  if (response.closed) left.abort(); // the caller left while the key was looked up
  return left.signal;
}

/** Turns chunks into events. The status is already sent, so a failure is an event, without a `[DONE]` after it. */
async function* toEvents(
  first: object,
  rest: AsyncIterable<object>,
  onFailure: (thrown: unknown) => OpenAiError,
): AsyncGenerator<string> {
  try {
    yield toEvent(first);
    for await (const chunk of rest) yield toEvent(chunk);
    yield toEvent('[DONE]');
  } catch (error) {
    yield toEvent(onFailure(error).getResponse() as object);
  }
}
