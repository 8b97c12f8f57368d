import type { IncomingHttpHeaders } from 'node:http';
import { util, type Dispatcher } from 'undici';
import { cancelWith, type Cancellable, type CancellationSource } from '../../core/cancellation';
import type { OperationOptions } from '../../core/custom-secret-manager';
import type { Deadline, Deadlines, Expiring } from '../../core/deadlines';
import { SecretManagerError, type OperationContext } from '../../core/secret-manager.error';
import { proxyRefusal } from '../../sync/proxy';
import { late } from './waiting';

export interface VaultAnswer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  /** `undefined` if there is none, or if it is not a JSON object. */
  readonly content: Readonly<Record<string, unknown>> | undefined;
  /** What a failure says that is no JSON, as of a port that speaks TLS. To be compared, and not to be shown. */
  readonly text?: string;
  /** The meaning of a failure, if the sender of the request knows more than the status tells. */
  readonly explanation?: string;
}

/** Of its headers nothing is of use. */
const SUCCESS = 200;

/** The server takes up to 32 MiB, and a secret is far smaller. */
const LARGEST_ANSWER_BYTES = 32 * 1024 * 1024;

/**
 * One request and its answer. A handler of our own costs a third of what a body stream costs; one of the kind that undici 7
 * has inside spares 3 us of wrapping, and of parsing the headers that nobody reads.
 */
export class Exchange implements Dispatcher.DispatchHandler, Cancellable, Expiring {
  readonly answer: Promise<VaultAnswer>;
  #resolve!: (answer: VaultAnswer) => void;
  #reject!: (reason: Error) => void;
  #source: CancellationSource | undefined;
  #deadlines: Deadlines<Exchange> | undefined;
  #deadline: Deadline<Exchange> | undefined;
  #abort: ((reason: Error) => void) | undefined;
  #reason: Error | undefined;
  #statusCode = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];
  #size = 0;

  constructor() {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Has it ended by what ends the call that it is made for. */
  endWith(options: OperationOptions, context: OperationContext): void {
    this.#source = cancelWith(options, context, this);
  }

  /** Rejects with `TIMEOUT` if the whole answer is not there after `limitMs`, however its bytes arrive. */
  endWithin(limitMs: number, deadlines: Deadlines<Exchange>): void {
    this.#deadlines = deadlines;
    this.#deadline = deadlines.start(this, limitMs, { keepsAlive: true });
  }

  expire(): void {
    this.cancel(late());
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
    if (statusCode !== SUCCESS) this.#headers = util.parseHeaders(headers);
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
    this.#resolve(answerOf(this.#statusCode, this.#headers, this.text()));
  }

  onError(error: Error): void {
    this.release();
    this.#reject(proxyRefusal(error) ?? error);
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
): VaultAnswer {
  const content = contentOf(body);
  const isText = content === undefined && statusCode >= 400;
  return { statusCode, headers, content, text: isText ? body : undefined };
}

/** The error of `JSON.parse` quotes what it could not read, so it goes no further. */
function contentOf(text: string): VaultAnswer['content'] {
  if (text === '') return undefined;
  try {
    const content: unknown = JSON.parse(text);
    return isObject(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

export function isObject(candidate: unknown): candidate is Readonly<Record<string, unknown>> {
  return typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate);
}
