import { readFile } from 'node:fs/promises';
import type { OperationOptions } from '../../core/custom-secret-manager';
import { SecretManagerError } from '../../core/secret-manager.error';
import { quoteName } from '../../core/secret-name';
import { isObject, type VaultAnswer } from './exchange';
import { isPrintable, trimSlashes } from './option-problems';
import type { VaultClient } from './vault-client';
import { vaultError } from './vault-errors';
import { DEFAULT_JWT_FILE, type VaultAuth } from './vault.options';

/** A token, and for how long the server will know it. */
export interface Grant {
  readonly token: string;
  /** `Infinity` for a token that does not expire, or of which nothing is known. */
  readonly validForMs: number;
  readonly isRenewable: boolean;
}

/** Gets a token from the server, or from where somebody else keeps one up to date. */
export class VaultLogin {
  readonly #client: VaultClient;
  readonly #auth: VaultAuth;
  readonly #namespace: string | undefined;
  /** Of a wrapping token, which can be used once. */
  #unwrappedSecretId: string | undefined;

  constructor(client: VaultClient, auth: VaultAuth, namespace: string | undefined) {
    this.#client = client;
    this.#auth = auth;
    this.#namespace = namespace;
  }

  /** Whether tokens come from elsewhere: then a new one cannot be had for the asking, and none is ours to revoke. */
  get isGiven(): boolean {
    return this.#auth.method === 'token' || this.#auth.method === 'token-file';
  }

  /** The file that holds the token, if there is one. */
  get tokenFile(): string | undefined {
    return this.#auth.method === 'token-file' ? this.#auth.path : undefined;
  }

  /** Rejects with `UNAUTHENTICATED` if the server does not accept what it is given. */
  async logIn(options: OperationOptions): Promise<Grant> {
    const auth = this.#auth;
    switch (auth.method) {
      case 'token':
        return given(auth.token);
      case 'token-file':
        return given(await contentOf(auth.path, 'the token'));
      case 'approle':
        return await this.ask(auth.mount ?? 'approle', 'login', options, {
          role_id: auth.roleId,
          secret_id: auth.wrappedSecretId
            ? await this.unwrapped(auth.wrappedSecretId, options)
            : auth.secretId,
        });
      case 'userpass': {
        const path = `login/${encodeURIComponent(auth.username)}`;
        return await this.ask(auth.mount ?? 'userpass', path, options, { password: auth.password });
      }
      case 'jwt':
      case 'kubernetes': {
        const { role, mount = auth.method } = auth;
        return await this.ask(mount, 'login', options, { role, jwt: await jwtOf(auth) });
      }
      case 'cert':
        return await this.ask(auth.mount ?? 'cert', 'login', options, { name: auth.name });
    }
  }

  private async ask(
    mount: string,
    action: string,
    options: OperationOptions,
    content: object,
  ): Promise<Grant> {
    const path = `/v1/auth/${trimSlashes(mount)}/${action}`;
    const answer = await this.post(path, options, { content });
    const { auth } = answer.content ?? {};
    if (answer.statusCode === 200 && isObject(auth)) return grantOf(auth);
    throw loginError(answer, `The login by ${this.#auth.method} at auth/${trimSlashes(mount)}`);
  }

  private async unwrapped(token: string, options: OperationOptions): Promise<string> {
    if (this.#unwrappedSecretId !== undefined) return this.#unwrappedSecretId;
    const answer = await this.post('/v1/sys/wrapping/unwrap', options, { token });
    const { data } = answer.content ?? {};
    if (answer.statusCode !== 200 || !isObject(data) || typeof data.secret_id !== 'string') {
      throw loginError(
        answer,
        'Unwrapping the secret id (if nobody else should have used it, somebody else has)',
      );
    }
    this.#unwrappedSecretId = data.secret_id;
    return data.secret_id;
  }

  private post(
    path: string,
    options: OperationOptions,
    { token, content }: { readonly token?: string; readonly content?: object },
  ): Promise<VaultAnswer> {
    const namespace = this.#namespace;
    return this.#client.send({ method: 'POST', path, token, namespace, content }, options);
  }
}

/** The `auth` of a login's or a renewal's answer. */
export function grantOf(auth: Readonly<Record<string, unknown>>): Grant {
  const { client_token: token, lease_duration: seconds, renewable } = auth;
  if (!isPrintable(token) || typeof seconds !== 'number') {
    throw new SecretManagerError(
      'MALFORMED',
      'The server answered a login without a usable token.',
    );
  }
  return {
    token,
    validForMs: seconds > 0 ? seconds * 1_000 : Infinity,
    isRenewable: renewable === true,
  };
}

function given(token: string): Grant {
  return { token, validForMs: Infinity, isRenewable: false };
}

/** Wrong credentials are 400 at most methods, and 403 where the method is not mounted or the user is locked out. */
function loginError(answer: VaultAnswer, subject: string): SecretManagerError {
  const error = vaultError(answer, subject);
  const isRefused = answer.statusCode === 400 || answer.statusCode === 403;
  if (!isRefused || error.code === 'MISCONFIGURED') return error;
  return new SecretManagerError(
    'UNAUTHENTICATED',
    `${subject} failed: the server refused the credentials. Check them, the role and the mount. (HTTP ${answer.statusCode})`,
  );
}

async function jwtOf(auth: VaultAuth & { readonly method: 'jwt' | 'kubernetes' }): Promise<string> {
  if (auth.method === 'jwt' && auth.jwt !== undefined) return auth.jwt;
  return await contentOf(auth.jwtFile ?? DEFAULT_JWT_FILE, 'the JWT');
}

async function contentOf(path: string, what: string): Promise<string> {
  const content = await readFile(path, 'utf8').catch(() => undefined);
  const line = content?.trim();
  if (isPrintable(line)) return line;
  const problem = line === undefined ? 'cannot be read' : 'is empty, or holds more than one line';
  throw new SecretManagerError(
    'MISCONFIGURED',
    `The file of ${what}, ${quoteName(path)}, ${problem}.`,
  );
}
