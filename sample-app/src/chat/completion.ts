/** The fields of OpenAI's answers that the gateway fills in for other providers. */
export interface Completion {
  readonly id: string;
  readonly object: 'chat.completion';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [
    {
      readonly index: 0;
      readonly message: { readonly role: 'assistant'; readonly content: string };
      readonly finish_reason: FinishReason;
    },
  ];
  readonly usage: Usage;
}

export interface CompletionChunk {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: 0;
    readonly delta: { readonly content?: string };
    readonly finish_reason: FinishReason | null;
  }[];
  readonly usage?: Usage;
}

export type FinishReason = 'stop' | 'length' | 'content_filter' | 'tool_calls';

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

interface Head {
  readonly id: string;
  readonly model: string;
}

export function toCompletion(
  { id, model }: Head,
  content: string,
  finish_reason: FinishReason,
  usage: Usage,
): Completion {
  const message = { role: 'assistant', content } as const;
  const choices = [{ index: 0, message, finish_reason }] as const;
  return { id, object: 'chat.completion', created: nowInSeconds(), model, choices, usage };
}

/** Returns a chunk with a part of the text, or with its end if there is a reason. */
export function toChunk(
  { id, model }: Head,
  content: string | undefined,
  finish_reason: FinishReason | null = null,
): CompletionChunk {
  const delta = content === undefined ? {} : { content };
  const choices = [{ index: 0 as const, delta, finish_reason }];
  return { id, object: 'chat.completion.chunk', created: nowInSeconds(), model, choices };
}

/** Returns the last chunk, for callers that ask for it with `stream_options`. */
export function toUsageChunk({ id, model }: Head, usage: Usage): CompletionChunk {
  const created = nowInSeconds();
  return { id, object: 'chat.completion.chunk', created, model, choices: [], usage };
}

export function toUsage(prompt_tokens: number, completion_tokens: number): Usage {
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function nowInSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
