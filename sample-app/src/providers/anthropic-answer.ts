import {
  toChunk,
  toCompletion,
  toUsage,
  toUsageChunk,
  type Completion,
  type CompletionChunk,
  type FinishReason,
} from '../chat/completion';
import { brokenOff, notUnderstood } from './upstream-errors';

interface AnthropicUsage {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
}

interface AnthropicBlock {
  readonly type: string;
  readonly text?: unknown;
}

export interface AnthropicMessage {
  readonly id: string;
  readonly model: string;
  readonly content?: readonly AnthropicBlock[];
  readonly stop_reason?: string | null;
  readonly usage?: AnthropicUsage;
}

/** An event of a stream, with the needed fields of all kinds. */
interface AnthropicEvent {
  readonly type: string;
  readonly message?: AnthropicMessage;
  readonly delta?: { readonly text?: unknown; readonly stop_reason?: string | null };
  readonly usage?: AnthropicUsage;
}

export function fromAnthropic(message: AnthropicMessage): Completion {
  const { content, stop_reason, usage: { input_tokens = 0, output_tokens = 0 } = {} } = message;
  if (!isList(content)) throw notUnderstood();
  const text = content.map(textOf).join('');
  return toCompletion(message, text, reasonOf(stop_reason), toUsage(input_tokens, output_tokens));
}

export async function* fromAnthropicEvents(
  events: AsyncIterable<object | string>,
  { withUsage }: { readonly withUsage: boolean },
): AsyncGenerator<CompletionChunk> {
  let head = { id: '', model: '' };
  let [input, output] = [0, 0];
  for await (const event of events) {
    const { type, message, delta, usage } = event as AnthropicEvent;
    if (message !== undefined) head = message;
    input = message?.usage?.input_tokens ?? input;
    output = usage?.output_tokens ?? output;
    if (typeof delta?.text === 'string') yield toChunk(head, delta.text);
    if (delta?.stop_reason) yield toChunk(head, undefined, reasonOf(delta.stop_reason));
    if (type !== 'message_stop') continue;
    if (withUsage) yield toUsageChunk(head, toUsage(input, output));
    return;
  }
  throw brokenOff();
}

function textOf({ type, text }: AnthropicBlock): string {
  if (typeof type !== 'string') throw notUnderstood();
  if (type !== 'text') return '';
  if (typeof text !== 'string') throw notUnderstood();
  return text;
}

/** Tells whether a content is a list. Unlike `Array.isArray`, keeps the type of the elements. */
function isList<T>(content: readonly T[] | undefined): content is readonly T[] {
  return Array.isArray(content);
}

function reasonOf(stopReason: string | null | undefined): FinishReason {
  return REASONS.get(stopReason ?? '') ?? 'stop';
}

const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['refusal', 'content_filter'],
]);
