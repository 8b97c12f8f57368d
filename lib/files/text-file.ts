import { readRegularFileSync } from './regular-file';

/** The size limit of a file. A bundle of certificates is the largest one that is read. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Returns the text of a regular file with a token, a key or certificates, or `undefined` if it cannot be read. Blocks,
 * but never waits for a pipe, a device or a socket.
 */
export function textOfFile(path: string): string | undefined {
  try {
    return readRegularFileSync(path, { maxBytes: MAX_BYTES }).content.toString('utf8');
  } catch {
    return undefined;
  }
}
