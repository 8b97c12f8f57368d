import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse } from 'node:http';

const HEADER = 'x-request-id';
const LOGGABLE = /^[\w.:=+/@-]{1,128}$/;

/** Gives each answer an id before anything else, so that log and caller have the same one. */
export function identifyRequest(
  _: IncomingMessage,
  response: ServerResponse,
  next: () => void,
): void {
  requestIdOf(response);
  next();
}

/**
 * Returns the id of a request, which its answer has as `x-request-id`. The caller's own id is used if it is safe to
 * log.
 */
export function requestIdOf(response: ServerResponse): string {
  const known = response.getHeader(HEADER);
  if (typeof known === 'string') return known;
  const given = response.req.headers[HEADER];
  const id = typeof given === 'string' && LOGGABLE.test(given) ? given : randomUUID();
  if (!response.headersSent) response.setHeader(HEADER, id);
  return id;
}
