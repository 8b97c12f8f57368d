import type { IncomingHttpHeaders } from 'node:http';
import { JsonNumber, parseExactJson } from '../../../core/validation/exact-json';
import type { AnswerParser } from '../../http/wire/request-handler';

export interface VaultAnswer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  /** `undefined` if the body is empty or is not a JSON object. */
  readonly content: Readonly<Record<string, unknown>> | undefined;
  /** A body that is not a JSON object, such as a web page. Only for comparison: messages never show it. */
  readonly text?: string;
  /** The method and URL of the request. The URL may have a query, which messages leave out. */
  readonly asked: string;
  /** The meaning of a failure, if the sender knows more than the status says. */
  readonly explanation?: string;
}

export const toVaultAnswer: AnswerParser<VaultAnswer> = (statusCode, headers, body, asked) =>
  answerOf(statusCode, headers, body.toString('utf8'), asked);

export function answerOf(
  statusCode: number,
  headers: IncomingHttpHeaders,
  body: string,
  asked: string,
): VaultAnswer {
  const content = contentOf(body);
  return { statusCode, headers, content, text: content === undefined ? body : undefined, asked };
}

/** Parses a JSON object. Hides the error of the parser, because that error quotes the text. */
function contentOf(text: string): VaultAnswer['content'] {
  if (text === '') return undefined;
  try {
    const content = parseExactJson(text);
    return isObject(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(candidate: unknown): candidate is Readonly<Record<string, unknown>> {
  if (typeof candidate !== 'object' || candidate === null) return false;
  return !Array.isArray(candidate) && !(candidate instanceof JsonNumber);
}
