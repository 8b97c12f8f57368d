import { Failure } from './failure';
import type { Streams } from './streams';

/**
 * Resolves when standard output has taken a text. A closed pipe, as after `head`, counts as success. Rejects if the text
 * cannot be written.
 */
export async function print({ stdout }: Pick<Streams, 'stdout'>, text: string): Promise<void> {
  if (text === '') return;
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: NodeJS.ErrnoException | null): void => {
      if (!error || error.code === 'EPIPE') resolve();
      else reject(new Failure(`The output could not be written (${error.code ?? 'no code'}).`));
    };
    stdout.once('error', settle); // some streams report a failure only here
    stdout.write(text, settle);
  });
}
