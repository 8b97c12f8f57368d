// Plain CommonJS: a worker thread loads no TypeScript on Node 20. The same file runs from `lib` and from `dist`.
'use strict';
const { serve } = require('./serve.cjs');

const KEPT_AGENTS = 10;
const PROXY_TIMEOUT_MS = 10_000;
/** Tells the waiting thread that the proxy has opened no tunnel. */
const PROXY_REFUSED = { code: 'PROXY_REFUSED' };
/** The size limit of a response, 32 MiB. A secret is far smaller. */
const LARGEST_ANSWER_BYTES = 32 * 1024 * 1024;

serve(() => {
  const { Agent, EnvHttpProxyAgent, Pool } = require('undici');
  /** @type {Map<string, import('undici').Dispatcher>} */
  const agents = new Map();

  const newAgent = (/** @type {any} */ tls, /** @type {any} */ proxy) => {
    const options = {
      connect: tls,
      maxResponseSize: LARGEST_ANSWER_BYTES,
      headersTimeout: 0, // the waiting thread enforces the deadline
      bodyTimeout: 0,
    };
    if (proxy === undefined) return new Agent(options);
    const { uri, token, noProxy } = proxy;
    return new EnvHttpProxyAgent({
      ...options,
      httpProxy: uri,
      httpsProxy: uri,
      noProxy,
      token,
      proxyTunnel: true, // undici 8 opens no tunnel to a plain address by default
      requestTls: { ...tls }, // only the server gets the client certificate
      clientFactory: (url, client) =>
        new Pool(url, { ...client, headersTimeout: PROXY_TIMEOUT_MS }),
    });
  };

  /** Returns the agent for the certificates and the proxy. Requests with the same ones share its connections. */
  const agentFor = (/** @type {any} */ tls, /** @type {any} */ proxy) => {
    const key = tls === undefined && proxy === undefined ? '' : JSON.stringify([tls, proxy]);
    const known = agents.get(key);
    if (known !== undefined) return known;
    for (const [oldest, agent] of agents) {
      if (agents.size < KEPT_AGENTS) break;
      agents.delete(oldest);
      void agent.close();
    }
    const agent = newAgent(tls, proxy);
    agents.set(key, agent);
    return agent;
  };

  return ({ tls, proxy, ...request }, onCancel) =>
    new Promise((resolve, reject) => {
      const handler = new RequestHandler(resolve, reject);
      onCancel(() => handler.cancel());
      agentFor(tls, proxy).dispatch(request, handler);
    });
});

/** Handles one request and its response. It costs a third of a body stream. */
class RequestHandler {
  /** @type {import('undici').Dispatcher.DispatchController | undefined} */
  controller;
  isCancelled = false;
  statusCode = 0;
  /** @type {object} */
  headers = {};
  /** @type {Buffer[]} */
  chunks = [];

  constructor(
    /** @type {(outcome: any) => void} */ resolve,
    /** @type {(error: Error) => void} */ reject,
  ) {
    this.resolve = resolve;
    this.reject = reject;
  }

  cancel() {
    this.isCancelled = true;
    this.controller?.abort(new Error('cancelled'));
  }

  onRequestStart(/** @type {import('undici').Dispatcher.DispatchController} */ controller) {
    this.controller = controller;
    if (this.isCancelled) this.cancel();
  }

  onResponseStart(
    /** @type {unknown} */ _,
    /** @type {number} */ statusCode,
    /** @type {object} */ headers,
  ) {
    this.statusCode = statusCode;
    this.headers = headers;
  }

  onResponseData(/** @type {unknown} */ _, /** @type {Buffer} */ chunk) {
    this.chunks.push(chunk);
  }

  onResponseEnd() {
    const { statusCode, headers, chunks } = this;
    this.resolve({ statusCode, headers, body: bytesOf(chunks) });
  }

  onResponseError(/** @type {unknown} */ _, /** @type {Error} */ error) {
    const [, status] = /^Proxy response \((\d+)\)/.exec(error.message) ?? [];
    if (status === undefined) this.reject(error);
    else this.reject(Object.assign(error, PROXY_REFUSED, { status: Number(status) }));
  }
}

/** Copies the bytes, because a message would hold the whole memory that they are a part of. */
function bytesOf(/** @type {Buffer[]} */ chunks) {
  return new Uint8Array(Buffer.concat(chunks));
}
