import { type IncomingMessage, type ServerResponse } from 'node:http';

const MAX_BYTES = 32 * 1024 * 1024;
const MAX_MS = 5_000;
const EVERY_MS = 100;

/**
 * Discards the rest of a body that nobody has read when the request is answered. A caller that still sends can then
 * read the answer, and the connection can be used again. Beyond the bounds, the connection is closed.
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

/** Closes the socket at the bounds. Node discards the rest of a body by itself, but without a bound and an event. */
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
