import { quoteName } from '../core/errors/wording';
import type { Command } from './command';
import { Failure } from './failure';
import { askHidden } from './questions';
import type { Streams } from './streams';

const MAX_BYTES = 1_048_576;

/**
 * Resolves to the new value of a secret. A terminal asks for it; otherwise it is all of standard input. One line
 * break at the end of standard input is dropped, because `echo` and editors add it. Rejects an empty value unless it
 * is permitted.
 */
export async function readNewValue(
  { name, options }: Pick<Command, 'name' | 'options'>,
  streams: Streams,
): Promise<string> {
  const value = streams.stdin.isTTY
    ? await askHidden(`Value of ${quoteName(name)} (it is not shown): `, streams)
    : await readPiped(streams.stdin, options['keep-trailing-newline']);
  if (value !== '' || options['allow-empty']) return value;
  throw new Failure(
    `The value of ${quoteName(name)} is empty, and was not stored. --allow-empty permits it.`,
  );
}

async function readPiped(stdin: Streams['stdin'], keepsNewline = false): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer | string>) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > MAX_BYTES) throw new Failure('The value is larger than 1 MiB, and was not stored.');
    chunks.push(part);
  }
  const text = decode(Buffer.concat(chunks));
  return keepsNewline ? text : text.replace(/\r?\n$/, '');
}

function decode(content: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw new Failure('The value is not text in UTF-8, and was not stored. Encode it as base64.');
  }
}
