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
  type Usage,
} from '../chat/completion';
import { textOf } from '../chat/content';
import { type Provider, type ProviderCall } from './provider';

/** Answers with its input, without a network, to try out the gateway. */
@Injectable()
export class EchoProvider implements Provider {
  async complete(call: ProviderCall): Promise<Completion> {
    const text = textIn(call);
    return toCompletion(headOf(call), text, 'stop', usageOf(text));
  }

  async stream(call: ProviderCall): Promise<AsyncIterable<CompletionChunk>> {
    return echo(call);
  }
}

async function* echo(call: ProviderCall): AsyncGenerator<CompletionChunk> {
  const head = headOf(call);
  const text = textIn(call);
  for (const [word] of text.matchAll(WORD)) yield toChunk(head, word);
  yield toChunk(head, undefined, 'stop');
  if (wantsUsage(call.chat)) yield toUsageChunk(head, usageOf(text));
}

function headOf({ model }: ProviderCall): { id: string; model: string } {
  return { id: `chatcmpl-${randomUUID()}`, model: model.name };
}

function textIn({ chat }: ProviderCall): string {
  return textOf(chat.messages.at(-1)?.content) ?? '';
}

/** The words of a text. Leading white space matches only at the beginning, so each character is read once. */
const WORD = /^\s+|\S+\s*/g;

/** Counts words without a list of them, because a message may have millions. */
function usageOf(text: string): Usage {
  let words = 0;
  let isInWord = false;
  for (let at = 0; at < text.length; at++) {
    const isSpace = text.charCodeAt(at) <= SPACE;
    if (!isSpace && !isInWord) words += 1;
    isInWord = !isSpace;
  }
  return toUsage(words, words);
}

const SPACE = 0x20;
