import { CustomSecretManager, type OperationOptions } from 'nestjs-custom-secret-manager';
import { request } from 'undici';
import type { FaultStore } from './fault-store';

export interface Credentials {
  readonly token: string;
  readonly password: string;
}

/** A typical class of a team: it works, but puts everything into its errors. */
export class HttpSecretManager extends CustomSecretManager {
  readonly #store: FaultStore; // it holds values, as no store of this process would

  constructor(
    store: FaultStore,
    private readonly credentials: Credentials,
  ) {
    super('team-vault');
    this.#store = store;
  }

  override async readSecret(
    secretName: string,
    options?: OperationOptions,
  ): Promise<string | undefined> {
    const answer = await this.ask(`/v1/secret/${encodeURIComponent(secretName)}`, options);
    return (answer as { value: string } | undefined)?.value;
  }

  override async checkHealth(options?: OperationOptions): Promise<boolean> {
    const answer = await this.ask('/v1/health', options);
    return (answer as { ok: boolean }).ok;
  }

  private async ask(path: string, { signal }: OperationOptions = {}): Promise<unknown> {
    const { token, password } = this.credentials;
    const address = `http://admin:${password}@${this.#store.host}`;
    const headers = { 'x-token': token };
    const response = await request(`http://${this.#store.host}${path}`, { headers, signal });
    if (response.statusCode === 404 && this.#store.fault !== '404') {
      await response.body.dump();
      return undefined;
    }
    if (response.statusCode !== 200) {
      const body = await response.body.text();
      const cause = new Error(`token ${token} was refused`, { cause: { headers } });
      throw Object.assign(new Error(`${address}${path} answered ${body}`, { cause }), {
        code: token,
        status: response.statusCode,
        headers: response.headers,
        config: { address, headers },
        body,
      });
    }
    return await response.body.json();
  }
}
