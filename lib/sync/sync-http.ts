import { read } from '../core/errors/safe-access';
import { SecretManagerError } from '../core/errors/secret-manager.error';
import { DEFAULT_TIMEOUT_MS } from '../core/time/durations';
import { BlockingWorker } from './blocking-worker';
import { refusedWith } from './proxy';
import { assertOptions, checkRequest, type SyncRequestOptions } from './sync-request';
import { SyncResponse, type RawResponse } from './sync-response';
import { workerFile } from './worker-file';

/** The defaults of requests that do not set these options. */
export type SyncHttpOptions = Pick<SyncRequestOptions, 'tls' | 'proxy' | 'noProxy'>;

const WORKER_FILE = workerFile(__filename, 'http.worker.cjs');

/**
 * A blocking HTTP client for synchronous reads. undici runs in a worker and keeps its connections, while this thread
 * waits. The worker starts with the first request, or with `start()`, and does not keep the process alive. It runs no
 * preload of the application. Its environment holds only the variables of the network: proxies and CA files.
 */
export class SyncHttp {
  readonly #worker = new BlockingWorker(WORKER_FILE);
  readonly #options: SyncHttpOptions;

  constructor({ tls, proxy, noProxy }: SyncHttpOptions = {}) {
    this.#options = { tls, proxy, noProxy };
  }

  /** Starts the worker before the first request. Throws `MISCONFIGURED` if no worker can be started. */
  start(): void {
    this.#worker.start();
  }

  /**
   * Sends a request and returns the response, whatever its status. Redirects are not followed. A failed connection
   * throws an error with the class name and the code of the original, from undici or Node. Other errors:
   *
   * | code                             | reason                                                |
   * | -------------------------------- | ----------------------------------------------------- |
   * | `INVALID_ARGUMENT`               | the options are wrong                                 |
   * | `TIMEOUT`                        | the deadline has passed                               |
   * | `MALFORMED`                      | the response is larger than 32 MiB                    |
   * | `MISCONFIGURED` or `UNAVAILABLE` | the proxy does not connect to the server              |
   * | `UNAVAILABLE`                    | the worker has ended, or this client was closed       |
   * | `MISCONFIGURED`                  | no worker can be started                              |
   */
  request(url: string | URL, options: SyncRequestOptions = {}): SyncResponse {
    assertOptions(options);
    assertOptions(this.#options);
    const { tls = this.#options.tls, proxy = this.#options.proxy } = options;
    const { timeoutMs = DEFAULT_TIMEOUT_MS, noProxy = this.#options.noProxy } = options;
    const request = checkRequest(url, { ...options, tls, proxy, noProxy });
    try {
      return new SyncResponse(this.#worker.call(request, timeoutMs) as RawResponse);
    } catch (error) {
      if (read(error, 'code') === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') throw tooLarge();
      throw refusalOf(read(error, 'code'), read(error, 'status')) ?? error;
    }
  }

  /** Ends the worker and its connections. Later requests throw `UNAVAILABLE`. */
  close(): Promise<void> {
    return this.#worker.close();
  }
}

/** Translates the worker's report of a proxy that opens no tunnel. */
function refusalOf(code: unknown, status: unknown): SecretManagerError | undefined {
  return code === 'PROXY_REFUSED' && typeof status === 'number' ? refusedWith(status) : undefined;
}

function tooLarge(): SecretManagerError {
  return new SecretManagerError('MALFORMED', 'The answer is larger than 32 MiB.');
}
