import { HttpStatus } from '@nestjs/common';
import { OpenAiError } from '../errors/openai-error';
import { exceededBound } from '../http/json-bounds';

/** How much of a provider's answer the gateway holds at a time: a whole answer, one event of a stream, or a refusal. */
export const MAX_ANSWER_BYTES = 20 * 1024 * 1024;
export const MAX_EVENT_CHARACTERS = 4 * 1024 * 1024;
export const MAX_REFUSAL_BYTES = 64 * 1024;
const MAX_DEPTH = 500;

/** Resolves to the text of a body. Rejects, and ends the connection, if the body is longer. */
export async function readText(
  body: AsyncIterable<Uint8Array>,
  maxBytes = MAX_ANSWER_BYTES,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw tooMuch();
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks, size));
}

/** Throws for what is not JSON, and for what nobody could write again because it is nested too deep. */
export function parseAnswer(text: string): unknown {
  if (exceededBound(text, { maxDepth: MAX_DEPTH }) !== undefined) throw tooMuch();
  return JSON.parse(text);
}

/** An error for a caller whose provider answers more than the gateway takes. */
export function tooMuch(): OpenAiError {
  return new OpenAiError(HttpStatus.BAD_GATEWAY, {
    message: 'The provider answered more than the gateway takes.',
    type: 'server_error',
    code: 'provider_error',
  });
}
