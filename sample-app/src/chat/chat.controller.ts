import { type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Body, Controller, HttpStatus, Post, Res, UseGuards } from '@nestjs/common';
import { BodyPipe } from '../body.pipe';
import { BodyLimit } from '../http/json-body.interceptor';
import { CallerGuard, FromCaller, type Caller } from '../keys/caller';
import { Providers } from '../providers/providers';
import { brokenOff } from '../providers/upstream-errors';
import { ChatRequest } from './chat-request';
import { EVENT_STREAM, toEvent } from './event-stream';
import { PermittedModels } from './permitted-models';

/**
 * What a request passes through: caller's key (`CallerGuard`) -> body (`BodyPipe`) -> may the key use the model
 * (`PermittedModels`) -> provider (`Providers`) -> the provider's key, live from the store (`Upstream`) -> the provider.
 */
@Controller('v1/chat/completions')
@UseGuards(CallerGuard)
@BodyLimit(20 * 1024 * 1024) // a long conversation
export class ChatController {
  constructor(
    private readonly models: PermittedModels,
    private readonly providers: Providers,
  ) {}

  @Post()
  async complete(
    @Body(new BodyPipe(ChatRequest, { allowsOtherFields: true })) chat: ChatRequest,
    @FromCaller() caller: Caller,
    @Res() response: ServerResponse,
  ): Promise<void> {
    const model = this.models.find(chat.model, caller);
    const provider = this.providers.of(model);
    const call = { model, chat, signal: untilClosed(response) };
    if (chat.stream) return await sendEvents(response, await provider.stream(call));
    const answer = await provider.complete(call);
    response.writeHead(HttpStatus.OK, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  }
}

/** Ends the call to the provider as soon as the caller has left. */
function untilClosed(response: ServerResponse): AbortSignal {
  const left = new AbortController();
  response.once('close', () => left.abort());
  if (response.closed) left.abort(); // while the key was looked up
  return left.signal;
}

async function sendEvents(response: ServerResponse, chunks: AsyncIterable<object>): Promise<void> {
  response.writeHead(HttpStatus.OK, EVENT_STREAM);
  await pipeline(Readable.from(events(chunks)), response).catch(() => undefined); // the caller left
}

/** The status is sent already: what fails now is told as an event, after which there is no `[DONE]`. */
async function* events(chunks: AsyncIterable<object>): AsyncGenerator<string> {
  try {
    for await (const chunk of chunks) yield toEvent(chunk);
    yield toEvent('[DONE]');
  } catch {
    yield toEvent(brokenOff().getResponse() as object);
  }
}
