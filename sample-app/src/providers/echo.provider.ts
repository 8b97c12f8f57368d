import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { wantsUsage } from '../chat/chat-request';
import {
  toChunk,
  toCompletion,
  toUsage,
  toUsageChunk,
  type Completion,
  type CompletionChunk,
} from '../chat/completion';
import { textOf } from '../chat/content';
import { type Provider, type ProviderCall } from './provider';

/** Answers with what it was asked, without any network: to try the gateway out. */
@Injectable()
export class EchoProvider implements Provider {
  async complete(call: ProviderCall): Promise<Completion> {
    const words = wordsOf(call);
    const usage = toUsage(words.length, words.length);
    return toCompletion(headOf(call), words.join(''), 'stop', usage);
  }

  async stream(call: ProviderCall): Promise<AsyncIterable<CompletionChunk>> {
    return echo(call);
  }
}

async function* echo(call: ProviderCall): AsyncGenerator<CompletionChunk> {
  const head = headOf(call);
  const words = wordsOf(call);
  for (const word of words) yield toChunk(head, word);
  yield toChunk(head, undefined, 'stop');
  if (wantsUsage(call.chat)) yield toUsageChunk(head, toUsage(words.length, words.length));
}

function headOf({ model }: ProviderCall): { id: string; model: string } {
  return { id: `chatcmpl-${randomUUID()}`, model: model.name };
}

function wordsOf({ chat }: ProviderCall): string[] {
  const text = textOf(chat.messages.at(-1)?.content) ?? '';
  return text.match(/\s*\S+\s*/g) ?? [];
}
