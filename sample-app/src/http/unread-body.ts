import { type IncomingMessage, type ServerResponse } from 'node:http';

const MAX_BYTES = 32 * 1024 * 1024;
const MAX_MS = 5_000;
const EVERY_MS = 100;

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

/** Node itself throws away what arrives after the answer, without a bound and without an event: so the socket is watched. */
function discard(request: IncomingMessage): void {
  const { socket } = request;
  const [from, until] = [socket.bytesRead, performance.now() + MAX_MS];
  const watch = setInterval(() => {
    const isTooMuch = socket.bytesRead - from > MAX_BYTES || performance.now() > until;
    if (!request.complete && !socket.destroyed && !isTooMuch) return;
    clearInterval(watch);
    if (!request.complete) socket.destroy();
  }, EVERY_MS);
}
