import { HttpStatus } from '@nestjs/common';
import { type ChatRequest, type Message } from '../chat/chat-request';
import { textOf } from '../chat/content';
import { OpenAiError } from '../errors/openai-error';
import { hasMoreThanContent, untranslatable } from './anthropic-fields';

const DEFAULT_MAX_TOKENS = 4_096; // Anthropic requires a limit

/** Returns a chat request in the form of Anthropic. Throws a 400 that names a field without an equivalent. */
export function toAnthropic(chat: ChatRequest, model: string): object {
  const untranslated = untranslatable(chat);
  if (untranslated !== undefined) throw unsupportedField(untranslated);
  const system = chat.messages.filter(isInstruction).map(textIn).join('\n\n');
  const messages = chat.messages.filter((message) => !isInstruction(message)).map(toMessage);
  const { max_tokens, max_completion_tokens, temperature, top_p, stop, stream } = chat;
  return {
    model,
    messages,
    ...(system !== '' && { system }),
    max_tokens: max_completion_tokens ?? max_tokens ?? DEFAULT_MAX_TOKENS,
    temperature: temperature ?? undefined,
    top_p: top_p ?? undefined,
    stop_sequences: typeof stop === 'string' ? [stop] : (stop ?? undefined),
    stream,
  };
}

function isInstruction({ role }: Message): boolean {
  return role === 'system' || role === 'developer';
}

function toMessage(message: Message): object {
  if (message.role !== 'user' && message.role !== 'assistant') throw unsupportedField('messages');
  return { role: message.role, content: textIn(message) };
}

function textIn(message: Message): string {
  const text = textOf(message.content);
  if (text === undefined || hasMoreThanContent(message)) throw unsupportedField('messages');
  return text;
}

function unsupportedField(param: string): OpenAiError {
  return new OpenAiError(HttpStatus.BAD_REQUEST, {
    message: `The gateway translates text for this provider, and has no translation of ${param}. Leave it out.`,
    type: 'invalid_request_error',
    param,
    code: 'unsupported_parameter',
  });
}
