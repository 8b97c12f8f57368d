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
  /** `undefined` if there is none, or if it is not a JSON object. */
  readonly content: Readonly<Record<string, unknown>> | undefined;
  /** A body that is no JSON object, such as a web page. To be compared, and never to be shown. */
  readonly text?: string;
  /** Method and URL of the request. The URL may have a query, which no message shows. */
  readonly asked: string;
  /** The meaning of a failure, if the sender of the request knows more than the status tells. */
  readonly explanation?: string;
}

const SUCCESS = 200;

/** The server takes up to 32 MiB, and a secret is far smaller. */
const LARGEST_ANSWER_BYTES = 32 * 1024 * 1024;

/**
 * One request and its answer. A handler of our own costs a third of what a body stream costs; one of the kind that undici 7
 * has inside spares 3 us of wrapping, and of parsing the headers that nobody reads.
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

  /** Has it ended by what ends the call that it is made for. */
  followCancellation(options: OperationOptions, context: OperationContext): void {
    this.#source = cancelWith(options, context, this);
  }

  /** Rejects with `TIMEOUT` if the whole answer is not there after `limitMs`, however its bytes arrive. */
  startDeadline(limitMs: number, deadlines: Deadlines<RequestHandler>): void {
    this.#deadlines = deadlines;
    this.#deadline = deadlines.start(this, limitMs, { keepsAlive: true });
  }

  expire(): void {
    this.cancel(timedOut(placeOf(this.asked)));
  }

  /** Ends it, also while it waits for a connection. */
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
    const isUsual = statusCode === SUCCESS && this.asked.startsWith('GET'); // its headers tell nothing
    if (!isUsual) this.#headers = util.parseHeaders(headers);
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#chunks.length === 0)
      this.#chunks = [chunk]; // mostly there is one: `push` makes room for 17
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

  /** Detaches it from what could still end it. */
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
 * Returns what is to be thrown for a request that got no answer. It tells the place, which undici's own error cannot: that is
 * one object for all requests of a connection.
 */
export function connectionError(cause: unknown, asked: string): unknown {
  if (isSecretManagerError(cause)) return cause;
  const place = placeOf(asked);
  const traits = ['name', 'code', 'status'].map((trait) => [trait, read(cause, trait)] as const);
  const given = traits.filter(([, value]) => value !== undefined);
  const error = new Error(`${place} failed.`, { cause });
  return Object.assign(error, Object.fromEntries(given), { [FAILED_REQUEST]: place });
}

/** Returns method, host and path: a query holds values, and is left out. */
export function placeOf(asked: string): string {
  return asked.replace(/\?.*$/, '');
}

/** Hides the parser's error, which quotes what it could not read. */
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
