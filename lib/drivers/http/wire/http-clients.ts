import type { OperationOptions } from '../../../core/contract/custom-secret-manager';
import type { OperationContext } from '../../../core/errors/secret-manager.error';
import { Deadlines } from '../../../core/time/deadlines';
import { DEFAULT_TIMEOUT_MS } from '../../../core/time/durations';
import { SyncHttp } from '../../../sync';
import { Connections, type ConnectionOptions } from './connections';
import { toHttpAnswer, type HttpAnswer, type HttpRequest, type HttpSteps } from './http-request';
import { RequestHandler, connectionError } from './request-handler';
import { run, runSync } from './steps';
import { TlsFiles } from '../tls/tls-files';
import type { TlsOptions } from '../tls/tls-options';

export interface HttpClientOptions extends ConnectionOptions {
  /** The origin whose connections are kept, beside those of one other. */
  readonly origin: string;
  readonly tls?: TlsOptions;
}

const SHORTEST_MS = 1;

/**
 * Sends the requests of steps, asynchronously over pooled connections, or blocking through a worker. No redirect is
 * followed. One deadline covers a request and its whole answer.
 */
export class HttpClients {
  readonly #context: OperationContext;
  readonly #tls: TlsFiles;
  readonly #connections: Connections;
  readonly #deadlines = new Deadlines<RequestHandler<HttpAnswer>>();
  readonly #syncHttp: SyncHttp;

  /** @param manager the name of the manager in `TIMEOUT` and `CANCELLED` */
  constructor(manager: string, { origin, tls, ...connections }: HttpClientOptions) {
    const { proxy, noProxy } = connections;
    this.#context = { manager, operation: 'request' };
    this.#tls = new TlsFiles(tls);
    this.#connections = new Connections(origin, this.#tls, connections);
    this.#syncHttp = new SyncHttp({ proxy, noProxy });
  }

  /** Starts the worker of blocking requests before the first one. */
  startSync(): void {
    this.#syncHttp.start();
  }

  /** Sends the requests of the steps with these options. */
  run<Outcome>(steps: HttpSteps<Outcome>, options: OperationOptions): Promise<Outcome> {
    return run(steps, (request) => this.send(request, options));
  }

  /** The blocking form of `run`. */
  runSync<Outcome>(steps: HttpSteps<Outcome>, options: OperationOptions): Outcome {
    return runSync(steps, (request) => this.sendSync(request, options));
  }

  /** Closes all connections. Requests in flight fail. */
  async close(): Promise<void> {
    this.#deadlines.close();
    await Promise.all([this.#connections.close(), this.#syncHttp.close()]);
  }

  private async send(
    { method, url, headers, body }: HttpRequest,
    options: OperationOptions,
  ): Promise<HttpAnswer> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const { origin, pathname, search } = new URL(url);
    const dispatcher = this.#connections.dispatcherTo(origin);
    const handler = new RequestHandler(`${method} ${url}`, toHttpAnswer, this.#context);
    handler.startDeadline(Math.max(timeoutMs, SHORTEST_MS), this.#deadlines);
    handler.followCancellation(options);
    const path = pathname + search; // of the parsed URL: an address may name the default port, as `https://host:443`
    const limits = { headersTimeout: 0, bodyTimeout: 0 }; // one deadline covers the request and its answer
    dispatcher.dispatch({ origin, method, path, headers, body, ...limits }, handler);
    return await handler.answer;
  }

  private sendSync(
    { method, url, headers, body }: HttpRequest,
    { timeoutMs = DEFAULT_TIMEOUT_MS }: OperationOptions,
  ): HttpAnswer {
    const asked = `${method} ${url}`;
    try {
      const tls = this.#tls.current();
      const response = this.#syncHttp.request(url, { method, headers, body, timeoutMs, tls });
      const { statusCode, headers: answered } = response;
      return { statusCode, headers: answered, body: Buffer.from(response.bytes()), asked };
    } catch (error) {
      throw connectionError(error, asked);
    }
  }
}
