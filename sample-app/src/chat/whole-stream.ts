import { brokenOff } from '../providers/upstream-errors';

interface Chunk {
  readonly choices?: readonly Choice[] | null;
}

interface Choice {
  readonly index?: number;
  readonly delta?: Readonly<Record<string, unknown>> | null;
  readonly finish_reason?: unknown;
}

/**
 * Passes on the chunks of a completion. Only the first chunk of each choice has the role, because OpenAI's clients
 * join repeated ones. Throws at the end if there was no choice, or one without a `finish_reason`: the answer is
 * incomplete.
 */
export async function* wholeStream(chunks: AsyncIterable<object>): AsyncGenerator<object> {
  const hasEnded = new Map<number, boolean>();
  for await (const chunk of chunks) {
    const { choices } = chunk as Chunk;
    if (!Array.isArray(choices)) {
      yield chunk;
      continue;
    }
    yield { ...chunk, choices: choices.map((choice: Choice) => withOneRole(choice, hasEnded)) };
  }
  if (hasEnded.size === 0 || [...hasEnded.values()].includes(false)) throw brokenOff();
}

function withOneRole(choice: Choice, hasEnded: Map<number, boolean>): Choice {
  const { index = 0, delta, finish_reason } = Object(choice) as Choice;
  const isFirst = !hasEnded.has(index);
  hasEnded.set(index, (hasEnded.get(index) ?? false) || Boolean(finish_reason));
  const { role = 'assistant', ...rest } = delta ?? {};
  return { ...choice, delta: isFirst ? { role, ...rest } : rest };
}
