import type { IncomingHttpHeaders } from 'node:http';
import type * as steps from './steps';
import type { AnswerParser } from './request-handler';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The URL with its query. Names in it are encoded. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer of a server, whatever its status. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The method and the URL of the request. The URL may have a query, which messages leave out. */
  readonly asked: string;
}

/** A sequence of requests that runs asynchronously or blocking. */
export type HttpSteps<Outcome> = steps.Steps<Outcome, HttpRequest, HttpAnswer>;

export const toHttpAnswer: AnswerParser<HttpAnswer> = (statusCode, headers, body, asked) => ({
  statusCode,
  headers,
  body,
  asked,
});

/** Returns the JSON object of an answer, or `undefined`. Hides the error of the parser, which quotes the text. */
export function jsonOf({ body }: HttpAnswer): Readonly<Record<string, unknown>> | undefined {
  try {
    const content: unknown = JSON.parse(body.toString('utf8'));
    return isObject(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(candidate: unknown): candidate is Readonly<Record<string, unknown>> {
  return typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate);
}

/** Returns a request with a JSON body. */
export function jsonRequest(
  method: HttpRequest['method'],
  url: string,
  content: object,
): HttpRequest {
  return {
    method,
    url,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(content),
  };
}

/** Returns a request with the body of a form. */
export function formRequest(url: string, fields: Readonly<Record<string, string>>): HttpRequest {
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  };
}
