import { type IncomingMessage, type ServerResponse } from 'node:http';

const MAX_BYTES = 32 * 1024 * 1024;
const MAX_MS = 5_000;

/**
 * Throws away what arrives of a body that nobody has read when the request is answered: within bounds, so that a caller who
 * still sends gets to read the answer, and the connection can be used again. Past the bounds the connection is closed.
 */
export function discardUnreadBody(
  request: IncomingMessage,
  response: ServerResponse,
  next: () => void,
): void {
  response.once('finish', () => {
    if (!request.complete) discard(request);
  });
  next();
}

function discard(request: IncomingMessage): void {
  let leftBytes = MAX_BYTES;
  const timer = setTimeout(() => request.destroy(), MAX_MS).unref();
  request
    .on('data', (chunk: Buffer) => {
      leftBytes -= chunk.length;
      if (leftBytes < 0) request.destroy();
    })
    .once('end', () => clearTimeout(timer))
    .once('close', () => clearTimeout(timer))
    .on('error', () => undefined) // the caller has left
    .resume();
}
