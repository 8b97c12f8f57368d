import { EnvHttpProxyAgent, Pool, type Dispatcher } from 'undici';
import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { proxyOf } from '../../../sync/proxy';
import type { Certificates } from '../tls/tls';
import type { TlsFiles } from '../tls/tls-files';

export interface ConnectionOptions {
  readonly proxy?: string;
  readonly noProxy?: string;
}

const CONNECTIONS = 10;
/**
 * Shorter than the server's own five minutes, so that no request is sent on a connection that the server just
 * closed.
 */
const KEEP_ALIVE_MS = 60_000;
const PROXY_TIMEOUT_MS = 10_000;

/** The connections to one server. Requests after a change of the certificates use new connections. */
export class Connections {
  readonly #origin: string;
  readonly #tls: TlsFiles;
  readonly #options: ConnectionOptions;
  readonly #dispatchers = new Map<string, Dispatcher>();
  readonly #ending = new Set<Dispatcher>();
  #certificates: Certificates | undefined;
  #isClosed = false;

  constructor(origin: string, tls: TlsFiles, options: ConnectionOptions) {
    this.#origin = origin;
    this.#tls = tls;
    this.#options = options;
  }

  /**
   * Returns the dispatcher for an origin. Keeps at most one origin beside the server: that of the active node
   * behind a standby.
   */
  dispatcherTo(origin: string): Dispatcher {
    if (this.#isClosed) {
      throw new SecretManagerError('UNAVAILABLE', 'The connections to the server were closed.');
    }
    const certificates = this.#tls.current();
    if (certificates !== this.#certificates) this.retire(() => true);
    const kept = this.#dispatchers.get(origin);
    if (kept !== undefined) return kept;
    this.retire((other) => other !== this.#origin);
    this.#certificates = certificates;
    const dispatcher = createDispatcher(origin, certificates, this.#options);
    this.#dispatchers.set(origin, dispatcher);
    return dispatcher;
  }

  /** Closes all connections. Requests in flight fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const dispatchers = [...this.#dispatchers.values(), ...this.#ending];
    this.#dispatchers.clear();
    await Promise.all(dispatchers.map((dispatcher) => dispatcher.destroy()));
  }

  /** Closes each retired connection when its requests have ended. */
  private retire(isRetired: (origin: string) => boolean): void {
    for (const [origin, dispatcher] of this.#dispatchers) {
      if (!isRetired(origin)) continue;
      this.#dispatchers.delete(origin);
      this.#ending.add(dispatcher);
      void dispatcher
        .close()
        .catch(() => undefined) // `destroy` closes it, too
        .finally(() => this.#ending.delete(dispatcher));
    }
  }
}

/** Creates the dispatcher. The client certificate goes to the server and never to the proxy. */
function createDispatcher(
  origin: string,
  certificates: Certificates,
  { proxy, noProxy = '' }: ConnectionOptions,
): Dispatcher {
  const connect = { ...certificates };
  const options = { connections: CONNECTIONS, keepAliveTimeout: KEEP_ALIVE_MS, connect };
  if (proxy === undefined) return new Pool(origin, options);
  const { uri, token } = proxyOf(proxy);
  return new EnvHttpProxyAgent({
    ...options,
    httpProxy: uri,
    httpsProxy: uri,
    noProxy,
    token,
    proxyTunnel: true, // undici 8 opens no tunnel to a plain address by default
    requestTls: connect,
    clientFactory: (url, client) => new Pool(url, { ...client, headersTimeout: PROXY_TIMEOUT_MS }),
  });
}
