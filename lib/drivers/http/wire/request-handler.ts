import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
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
import { proxyRefusal } from '../../../sync/proxy';
import { timedOut } from './waiting';

/**
 * Turns a response into the answer that a driver works with.
 *
 * @param asked the method and the URL, as in `GET https://vault:8200/v1/secret/data/KEY`
 */
export type AnswerParser<Answer> = (
  statusCode: number,
  headers: IncomingHttpHeaders,
  body: Buffer,
  asked: string,
) => Answer;

/** The largest answer that is read. Secrets are far smaller. */
const LARGEST_ANSWER_BYTES = 32 * 1024 * 1024;

/** One request and its answer. An own handler costs a third of a body stream. */
export class RequestHandler<Answer> implements Dispatcher.DispatchHandler, Cancellable, Expiring {
  readonly answer: Promise<Answer>;
  readonly #parse: AnswerParser<Answer>;
  readonly #context: OperationContext;
  #resolve!: (answer: Answer) => void;
  #reject!: (reason: unknown) => void;
  #source: CancellationSource | undefined;
  #deadlines: Deadlines<RequestHandler<Answer>> | undefined;
  #deadline: Deadline<RequestHandler<Answer>> | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #reason: Error | undefined;
  #statusCode = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];
  #size = 0;

  /**
   * @param asked the method and the URL
   * @param context the manager and the operation of `TIMEOUT` and `CANCELLED`
   */
  constructor(
    private readonly asked: string,
    parse: AnswerParser<Answer>,
    context: OperationContext,
  ) {
    this.#parse = parse;
    this.#context = context;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Cancels the request when its call is cancelled. */
  followCancellation(options: OperationOptions): void {
    this.#source = cancelWith(options, this.#context, this);
  }

  /**
   * Rejects with `TIMEOUT` unless the whole answer arrives within `limitMs`. Single bytes do not extend the limit.
   */
  startDeadline(limitMs: number, deadlines: Deadlines<RequestHandler<Answer>>): void {
    this.#deadlines = deadlines;
    this.#deadline = deadlines.start(this, limitMs, { keepsAlive: true });
  }

  expire(): void {
    this.cancel(timedOut(this.#context, placeOf(this.asked)));
  }

  /** Cancels the request, even while it waits for a connection. */
  cancel(reason: Error): void {
    this.release();
    this.#reason = reason;
    this.#reject(reason);
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#reason !== undefined) controller.abort(this.#reason);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#statusCode = statusCode;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#chunks.length === 0)
      this.#chunks = [chunk]; // most answers have one chunk, and `push` allocates room for 17
    else this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size > LARGEST_ANSWER_BYTES) {
      this.cancel(new SecretManagerError('MALFORMED', 'The answer is larger than 32 MiB.'));
    }
  }

  onResponseEnd(): void {
    this.release();
    this.#resolve(this.#parse(this.#statusCode, this.#headers, this.body(), this.asked));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.release();
    this.#reject(connectionError(proxyRefusal(error) ?? error, this.asked));
  }

  /** Stops the deadline and stops listening for cancellation. */
  private release(): void {
    this.#source?.remove(this);
    if (this.#deadline) this.#deadlines?.stop(this.#deadline);
  }

  private body(): Buffer {
    const [only] = this.#chunks;
    return this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks);
  }
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
  const holdsBytes = read(cause, 'data') !== undefined; // the parser's error has those of the answer
  const error = new Error(`${place} failed.`, holdsBytes ? undefined : { cause });
  return Object.assign(error, Object.fromEntries(given), { [FAILED_REQUEST]: place });
}

/** Returns method, host and path. A query may hold values, so it is left out. */
export function placeOf(asked: string): string {
  return asked.replace(/\?.*$/, '');
}
