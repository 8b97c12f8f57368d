// Plain CommonJS, because a worker thread loads no TypeScript on Node 20: this way one file serves from `lib` and from `dist`.
'use strict';
const { serve } = require('./serve.cjs');

const KEPT_AGENTS = 10;
const PROXY_TIMEOUT_MS = 10_000;
/** By it the thread that waits knows that the proxy has opened no tunnel. */
const PROXY_REFUSED = { code: 'PROXY_REFUSED' };
const utf8 = new TextDecoder();
/** 32 MiB: a secret is far smaller. */
const LARGEST_ANSWER_BYTES = 32 * 1024 * 1024;

serve(() => {
  const { Agent, EnvHttpProxyAgent, Pool } = require('undici');
  /** @type {Map<string, import('undici').Dispatcher>} */
  const agents = new Map();

  const newAgent = (/** @type {any} */ tls, /** @type {any} */ proxy) => {
    const options = {
      connect: tls,
      maxResponseSize: LARGEST_ANSWER_BYTES,
      headersTimeout: 0, // the thread that waits keeps the time
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
      requestTls: { ...tls }, // the client certificate is for the server alone
      clientFactory: (url, client) =>
        new Pool(url, { ...client, headersTimeout: PROXY_TIMEOUT_MS }),
    });
  };

  /** One agent, and with it its connections, for all requests with the same certificates and proxy. */
  const agentFor = (/** @type {any} */ tls, /** @type {any} */ proxy) => {
    const key = tls === undefined && proxy === undefined ? '' : JSON.stringify([tls, proxy]);
    const kept = agents.get(key);
    if (kept !== undefined) return kept;
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
      const exchange = new Exchange(resolve, reject);
      onCancel(() => exchange.cancel());
      agentFor(tls, proxy).dispatch(request, exchange);
    });
});

/** One request and its answer. A handler of our own costs a third of what a body stream costs. */
class Exchange {
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
    this.resolve({ statusCode, headers, text: textOf(chunks) });
  }

  onResponseError(/** @type {unknown} */ _, /** @type {Error} */ error) {
    const [, status] = /^Proxy response \((\d+)\)/.exec(error.message) ?? [];
    if (status === undefined) this.reject(error);
    else this.reject(Object.assign(error, PROXY_REFUSED, { status: Number(status) }));
  }
}

function textOf(/** @type {Buffer[]} */ chunks) {
  const [only] = chunks;
  return utf8.decode(chunks.length === 1 ? only : Buffer.concat(chunks));
}
