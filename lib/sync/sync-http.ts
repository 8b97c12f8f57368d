import { read } from '../core/errors/safe-access';
import { SecretManagerError } from '../core/errors/secret-manager.error';
import { DEFAULT_TIMEOUT_MS } from '../core/time/durations';
import { BlockingWorker } from './blocking-worker';
import { refusedWith } from './proxy';
import { assertOptions, checkRequest, type SyncRequestOptions } from './sync-request';
import { SyncResponse, type RawResponse } from './sync-response';
import { workerFile } from './worker-file';

/** For requests that bring none of their own. */
export type SyncHttpOptions = Pick<SyncRequestOptions, 'tls' | 'proxy' | 'noProxy'>;

const WORKER_FILE = workerFile(__filename, 'http.worker.cjs');

/**
 * HTTP for a synchronous read: undici in a worker of its own, with connections that are kept, while this thread waits. The
 * worker starts with the first request, or with `start()`, and does not keep the process alive. It runs no preload of the
 * application, and of the environment it gets only the variables of the network: proxies and CA files.
 */
export class SyncHttp {
  readonly #worker = new BlockingWorker(WORKER_FILE);
  readonly #options: SyncHttpOptions;

  constructor({ tls, proxy, noProxy }: SyncHttpOptions = {}) {
    this.#options = { tls, proxy, noProxy };
  }

  /** Has the worker ready before the first request. Throws `MISCONFIGURED` where there can be no worker. */
  start(): void {
    this.#worker.start();
  }

  /**
   * Sends a request and returns what the server answers, whatever the status; a redirect is not followed. Throws
   * `INVALID_ARGUMENT` for options that are wrong, `TIMEOUT` at the deadline, `MALFORMED` for an answer over 32 MiB,
   * `MISCONFIGURED` or `UNAVAILABLE` for a proxy that does not connect to the server, and for a connection that fails an error with the class name and the code of undici's or Node's own.
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

  /** Ends the worker and its connections. Requests after that throw `UNAVAILABLE`. */
  close(): Promise<void> {
    return this.#worker.close();
  }
}

/** Translates what the worker says of a proxy that opens no tunnel. */
function refusalOf(code: unknown, status: unknown): SecretManagerError | undefined {
  return code === 'PROXY_REFUSED' && typeof status === 'number' ? refusedWith(status) : undefined;
}

function tooLarge(): SecretManagerError {
  return new SecretManagerError('MALFORMED', 'The answer is larger than 32 MiB.');
}
