import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse } from 'node:http';

const HEADER = 'x-request-id';
const SANE = /^[\w.:=+/@-]{1,128}$/;

/** Gives each answer an id before anything else, and so the log and the caller the same one. */
export function identifyRequest(
  _: IncomingMessage,
  response: ServerResponse,
  next: () => void,
): void {
  requestIdOf(response);
  next();
}

/** Returns the id of a request, which its answer has as `x-request-id`: the caller's if it can be logged as it is, else one of ours. */
export function requestIdOf(response: ServerResponse): string {
  const known = response.getHeader(HEADER);
  if (typeof known === 'string') return known;
  const given = response.req.headers[HEADER];
  const id = typeof given === 'string' && SANE.test(given) ? given : randomUUID();
  if (!response.headersSent) response.setHeader(HEADER, id);
  return id;
}
