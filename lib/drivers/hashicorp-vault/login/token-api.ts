import type { VaultAnswer } from '../wire/vault-answer';
import type { VaultClient } from '../wire/vault-client';
import type { Credential } from './credential';

type Token = Credential['token'];

const TIMEOUT_MS = 10_000;

/** The calls that a token may make about itself. */
export class TokenApi {
  readonly #client: VaultClient;
  readonly #namespace: string | undefined;

  constructor(client: VaultClient, namespace: string | undefined) {
    this.#client = client;
    this.#namespace = namespace;
  }

  lookUp(token: Token): Promise<VaultAnswer> {
    return this.ask('GET', 'lookup-self', token);
  }

  renew(token: Token): Promise<VaultAnswer> {
    return this.ask('POST', 'renew-self', token);
  }

  /** Revokes the token. The server revokes its leases, too. */
  revoke(token: Token): Promise<VaultAnswer> {
    return this.ask('POST', 'revoke-self', token);
  }

  private async ask(method: 'GET' | 'POST', action: string, token: Token): Promise<VaultAnswer> {
    const content = method === 'POST' ? {} : undefined;
    const namespace = this.#namespace;
    const path = `/v1/auth/token/${action}`;
    const options = { timeoutMs: TIMEOUT_MS };
    return await this.#client.send({ method, path, token, namespace, content }, options);
  }
}
