/** A store that can be stopped. It has the part of HashiCorp Vault's KV 2 that the sample application uses. */
import { createServer } from 'node:http';
import { once } from 'node:events';

export class KvStore {
  #reads = new Map();
  #written = new Set();
  #secrets = new Map();
  #server = createServer((request, response) => void this.#answer(request, response));

  async start() {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  /** Stops the store, and closes all connections. */
  stop() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get address() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Writes a secret without the gateway. */
  put(name, value) {
    const version = (this.#secrets.get(name)?.version ?? 0) + 1;
    this.#secrets.set(name, { value, version });
    this.#written.add(name);
    return version;
  }

  /** Returns the number of reads of missing secrets below a prefix. */
  vainReads(prefix) {
    const vain = [...this.#reads].filter(
      ([name]) => name.startsWith(prefix) && !this.#written.has(name),
    );
    return vain.reduce((sum, [, count]) => sum + count, 0);
  }

  /** Removes a secret without the gateway. */
  remove(name) {
    this.#secrets.delete(name);
  }

  async #answer(request, response) {
    let text = '';
    for await (const chunk of request) text += chunk;
    const [status, content] = this.#reply(request.method, request.url, text);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(status === 204 ? undefined : JSON.stringify(content));
  }

  #reply(method, url, text) {
    const { pathname } = new URL(url, this.address);
    if (pathname === '/v1/sys/health') return [200, { initialized: true, sealed: false }];
    const [, name] = /^\/v1\/secret\/(?:data|metadata)\/(.+)$/.exec(pathname) ?? [];
    if (name === undefined) return [404, { errors: ['no handler for route'] }];
    if (method === 'GET') return this.#read(decodeURIComponent(name));
    if (method === 'DELETE') return [204, this.remove(decodeURIComponent(name))];
    return this.#write(decodeURIComponent(name), JSON.parse(text));
  }

  #read(name) {
    this.#reads.set(name, (this.#reads.get(name) ?? 0) + 1);
    const secret = this.#secrets.get(name);
    if (secret === undefined) return [404, { errors: [] }];
    const { value, version } = secret;
    return [200, { data: { data: { value }, metadata: { version } } }];
  }

  #write(name, { data, options: { cas } = {} }) {
    const { version = 0 } = this.#secrets.get(name) ?? {};
    if (cas !== undefined && cas !== version)
      return [400, { errors: ['check-and-set parameter did not match the current version'] }];
    return [200, { data: { version: this.put(name, data.value) } }];
  }
}
