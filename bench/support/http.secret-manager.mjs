import { CustomSecretManager } from 'nestjs-custom-secret-manager';
import { SyncHttp } from 'nestjs-custom-secret-manager/sync';
import { request } from 'undici';

/** A manager that reads both ways, as a team would write it. */
export class HttpSecretManager extends CustomSecretManager {
  #http = new SyncHttp();

  constructor(address) {
    super('http');
    this.address = address;
  }

  start() {
    this.#http.start();
  }

  async readSecret(name) {
    const { body } = await request(`${this.address}/${name}`);
    return (await body.json()).value;
  }

  readSecretSync(name, { timeoutMs } = {}) {
    return this.#http.request(`${this.address}/${name}`, { timeoutMs }).json().value;
  }

  close() {
    return this.#http.close();
  }
}
