import type { IncomingHttpHeaders } from 'node:http';
import { util, type Dispatcher } from 'undici';
import {
  cancelWith,
  type Cancellable,
  type CancellationSource,
} from '../../../core/calls/cancellation';
import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import { FAILED_REQUEST } from '../../../core/errors/error-table';
import { read } from '../../../core/errors/safe-access';
import {
  SecretManagerError,
  isSecretManagerError,
  type OperationContext,
} from '../../../core/errors/secret-manager.error';
import type { Deadline, Deadlines, Expiring } from '../../../core/time/deadlines';
import { JsonNumber, parseExactJson } from '../../../core/validation/exact-json';
import { proxyRefusal } from '../../../sync/proxy';
import { timedOut } from './waiting';

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

const SUCCESS = 200;

/** The largest answer that is read. The server accepts up to 32 MiB, and secrets are far smaller. */
const LARGEST_ANSWER_BYTES = 32 * 1024 * 1024;

/**
 * One request and its answer. An own handler costs a third of a body stream. The internal handler kind of undici 7
 * saves another 3 us: no wrapper, and no parsing of unread headers.
 */
export class RequestHandler implements Dispatcher.DispatchHandler, Cancellable, Expiring {
  readonly answer: Promise<VaultAnswer>;
  #resolve!: (answer: VaultAnswer) => void;
  #reject!: (reason: unknown) => void;
  #source: CancellationSource | undefined;
  #deadlines: Deadlines<RequestHandler> | undefined;
  #deadline: Deadline<RequestHandler> | undefined;
  #abort: ((reason: Error) => void) | undefined;
  #reason: Error | undefined;
  #statusCode = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];
  #size = 0;

  /** @param asked the method and the URL, as in `GET https://vault:8200/v1/secret/data/KEY` */
  constructor(private readonly asked: string) {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Cancels the request when its call is cancelled. */
  followCancellation(options: OperationOptions, context: OperationContext): void {
    this.#source = cancelWith(options, context, this);
  }

  /**
   * Rejects with `TIMEOUT` unless the whole answer arrives within `limitMs`. Single bytes do not extend the limit.
   */
  startDeadline(limitMs: number, deadlines: Deadlines<RequestHandler>): void {
    this.#deadlines = deadlines;
    this.#deadline = deadlines.start(this, limitMs, { keepsAlive: true });
  }

  expire(): void {
    this.cancel(timedOut(placeOf(this.asked)));
  }

  /** Cancels the request, even while it waits for a connection. */
  cancel(reason: Error): void {
    this.release();
    this.#reason = reason;
    this.#reject(reason);
    this.#abort?.(reason);
  }

  onConnect(abort: (reason: Error) => void): void {
    this.#abort = abort;
    if (this.#reason !== undefined) abort(this.#reason);
  }

  onHeaders(statusCode: number, headers: Buffer[]): boolean {
    this.#statusCode = statusCode;
    const isUsual = statusCode === SUCCESS && this.asked.startsWith('GET'); // nothing reads its headers
    if (!isUsual) this.#headers = util.parseHeaders(headers);
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#chunks.length === 0)
      this.#chunks = [chunk]; // most answers have one chunk, and `push` allocates room for 17
    else this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > LARGEST_ANSWER_BYTES) {
      this.cancel(new SecretManagerError('MALFORMED', 'The answer is larger than 32 MiB.'));
    }
    return true;
  }

  onComplete(): void {
    this.release();
    this.#resolve(answerOf(this.#statusCode, this.#headers, this.text(), this.asked));
  }

  onError(error: Error): void {
    this.release();
    this.#reject(connectionError(proxyRefusal(error) ?? error, this.asked));
  }

  /** Stops the deadline and stops listening for cancellation. */
  private release(): void {
    this.#source?.remove(this);
    if (this.#deadline) this.#deadlines?.stop(this.#deadline);
  }

  private text(): string {
    const [only] = this.#chunks;
    const whole = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks);
    return whole.toString('utf8');
  }
}

export function answerOf(
  statusCode: number,
  headers: IncomingHttpHeaders,
  body: string,
  asked: string,
): VaultAnswer {
  const content = contentOf(body);
  return { statusCode, headers, content, text: content === undefined ? body : undefined, asked };
}

/**
 * Returns the error of a request without an answer. The error names the place: undici shares one error object
 * between all requests of a connection.
 */
export function connectionError(cause: unknown, asked: string): unknown {
  if (isSecretManagerError(cause)) return cause;
  const place = placeOf(asked);
  const traits = ['name', 'code', 'status'].map((trait) => [trait, read(cause, trait)] as const);
  const given = traits.filter(([, value]) => value !== undefined);
  const error = new Error(`${place} failed.`, { cause });
  return Object.assign(error, Object.fromEntries(given), { [FAILED_REQUEST]: place });
}

/** Returns method, host and path. A query may hold values, so it is left out. */
export function placeOf(asked: string): string {
  return asked.replace(/\?.*$/, '');
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
