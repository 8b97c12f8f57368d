import { HttpStatus } from '@nestjs/common';
import { type ChatRequest, type Message } from '../chat/chat-request';
import { textOf } from '../chat/content';
import { OpenAiError } from '../errors/openai-error';

const DEFAULT_MAX_TOKENS = 4_096; // Anthropic wants to be told

/** A chat request as Anthropic takes it. Throws what the caller is told if something of it cannot be said there. */
export function toAnthropic(chat: ChatRequest, model: string): object {
  const untranslated = ['tools', 'functions', 'response_format', 'n', 'logprobs'].find(
    (field) =>
      chat[field] !== undefined && chat[field] !== null && !(field === 'n' && chat.n === 1),
  );
  if (untranslated !== undefined) throw cannotSay(untranslated);
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
  if (message.role !== 'user' && message.role !== 'assistant') throw cannotSay('messages');
  return { role: message.role, content: textIn(message) };
}

function textIn({ content }: Message): string {
  const text = textOf(content);
  if (text === undefined) throw cannotSay('messages');
  return text;
}

function cannotSay(param: string): OpenAiError {
  return new OpenAiError(HttpStatus.BAD_REQUEST, {
    message: `The gateway translates text for this provider, and not what is in ${param}.`,
    type: 'invalid_request_error',
    param,
    code: 'unsupported_parameter',
  });
}
