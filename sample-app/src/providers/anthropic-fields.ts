import { type ChatRequest, type Message } from '../chat/chat-request';

/** The fields of OpenAI that have an equivalent at Anthropic. */
const TRANSLATED: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'stop',
  'stream',
  'stream_options',
]);

type IsHarmless = (value: unknown) => boolean;

const anything: IsHarmless = () => true;
const isEmpty: IsHarmless = (value) =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;
const oneOf =
  (...values: readonly unknown[]): IsHarmless =>
  (value) =>
    values.includes(value);

/** The fields without an equivalent, and their values that change no answer. */
const HARMLESS: Readonly<Record<string, IsHarmless>> = {
  frequency_penalty: oneOf(0),
  function_call: oneOf('none'),
  functions: isEmpty,
  logit_bias: isEmpty,
  logprobs: oneOf(false),
  metadata: anything,
  modalities: (value) => JSON.stringify(value) === '["text"]',
  n: oneOf(1),
  parallel_tool_calls: oneOf(true, false), // there are no tools
  presence_penalty: oneOf(0),
  prompt_cache_key: anything,
  response_format: (value) => JSON.stringify(value) === '{"type":"text"}',
  safety_identifier: anything,
  service_tier: oneOf('auto', 'default'),
  store: oneOf(false),
  tool_choice: oneOf('none'),
  tools: isEmpty,
  top_logprobs: oneOf(0),
  user: anything,
};

/** Returns a field that asks for something, but has no equivalent at Anthropic. */
export function untranslatable(chat: ChatRequest): string | undefined {
  return Object.entries(chat).find(
    ([name, value]) =>
      value !== undefined &&
      value !== null &&
      !TRANSLATED.has(name) &&
      !(Object.hasOwn(HARMLESS, name) && HARMLESS[name]?.(value)),
  )?.[0];
}

/** Tells whether a message has more than a role and a content, such as a tool call. */
export function hasMoreThanContent({ role: _, content: __, ...others }: Message): boolean {
  return Object.values(others).some(
    (value) => !oneOf('', null, undefined)(value) && !isEmpty(value),
  );
}
