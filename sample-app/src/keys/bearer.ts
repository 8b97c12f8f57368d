import { type IncomingMessage } from 'node:http';

/** Returns the bearer key of a request. */
export function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}
