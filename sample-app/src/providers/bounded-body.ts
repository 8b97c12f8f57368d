import { HttpStatus } from '@nestjs/common';
import { OpenAiError } from '../errors/openai-error';
import { exceededBound } from '../http/json-bounds';

/** The most of a provider's answer in memory: a whole answer, one event of a stream, or a refusal. */
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
    if (size > maxBytes) throw answerTooLarge();
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks, size));
}

/** Parses JSON. Throws for invalid JSON, and for JSON that is nested too deep to be serialized again. */
export function parseAnswer(text: string): unknown {
  if (exceededBound(text, { maxDepth: MAX_DEPTH }) !== undefined) throw answerTooLarge();
  return JSON.parse(text);
}

/** Returns the error for an answer that is larger than the gateway accepts. */
export function answerTooLarge(): OpenAiError {
  return new OpenAiError(HttpStatus.BAD_GATEWAY, {
    message: 'The provider answered more than the gateway takes.',
    type: 'server_error',
    code: 'provider_error',
  });
}
