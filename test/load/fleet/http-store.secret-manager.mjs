import { CustomSecretManager } from 'nestjs-custom-secret-manager';
import { request } from 'undici';

/** A manager that reads and writes a store with versions over HTTP. */
export class HttpStoreSecretManager extends CustomSecretManager {
  constructor(address) {
    super('http-store');
    this.address = address;
  }

  async readSecret(name) {
    const { statusCode, body } = await request(`${this.address}/${name}`);
    const reading = await body.json();
    return statusCode === 404 ? undefined : reading;
  }

  async writeSecret(name, value) {
    const { body } = await request(`${this.address}/${name}`, { method: 'PUT', body: value });
    return await body.json();
  }
}
