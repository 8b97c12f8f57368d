import { SecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { textOfFile } from '../../../files/text-file';
import { isPrintable } from '../../http/options/option-rules';
import { trimSlashes } from '../options/option-problems';
import { DEFAULT_JWT_FILE, type VaultAuth } from '../options/vault.options';
import { isObject, type VaultAnswer } from '../wire/vault-answer';
import type { Steps } from '../wire/vault-steps';
import { originOf } from '../../http/wire/store-errors';
import { isFromVault, vaultError } from '../wire/vault-errors';
import { encodePath } from '../wire/vault-path';
import { TokenFile } from './token-file';

/** A token and its lifetime. */
export interface Grant {
  /** `undefined` if an agent adds its own token. */
  readonly token: string | undefined;
  /** `Infinity` if the token does not expire, or if its lifetime is unknown. */
  readonly validForMs: number;
  readonly isRenewable: boolean;
}

/** Logs in to the server, or takes a token that another process keeps up to date. */
export class VaultLogin {
  readonly #auth: VaultAuth;
  readonly #namespace: string | undefined;
  #tokenFile: TokenFile | undefined;
  /** The secret id of a wrapping token, which can be unwrapped only once. */
  #unwrappedSecretId: string | undefined;
  #isUnwrapping = false;

  constructor(auth: VaultAuth, namespace: string | undefined) {
    this.#auth = auth;
    this.#namespace = namespace;
  }

  /** `true` if tokens come from elsewhere. The manager can neither replace nor revoke such a token. */
  get isGiven(): boolean {
    return ['token', 'token-file', 'none'].includes(this.#auth.method);
  }

  /** Returns a more precise meaning of a denial than its status gives, if one is known. */
  get explanationOfDenial(): string | undefined {
    return this.#auth.method === 'none' ? DENIED_WITHOUT_TOKEN : undefined;
  }

  /** The token file, if the login uses one. */
  get tokenFile(): TokenFile | undefined {
    if (this.#auth.method !== 'token-file') return undefined;
    return (this.#tokenFile ??= new TokenFile(this.#auth.path));
  }

  /** Throws `UNAUTHENTICATED` if the server refuses the credentials. */
  *logIn(): Steps<Grant> {
    const auth = this.#auth;
    switch (auth.method) {
      case 'none':
        return givenGrant(undefined);
      case 'token':
        return givenGrant(auth.token);
      case 'token-file':
        return givenGrant(lineOf(auth.path, 'the token'));
      case 'approle':
        return yield* this.ask(auth.mount ?? 'approle', 'login', {
          role_id: auth.roleId,
          secret_id: auth.wrappedSecretId
            ? yield* this.unwrapOnce(auth.wrappedSecretId)
            : auth.secretId,
        });
      case 'userpass': {
        const path = `login/${encodeURIComponent(auth.username)}`;
        return yield* this.ask(auth.mount ?? 'userpass', path, { password: auth.password });
      }
      case 'jwt':
      case 'kubernetes': {
        const { role, mount = auth.method } = auth;
        return yield* this.ask(mount, 'login', { role, jwt: jwtOf(auth) });
      }
      case 'cert':
        return yield* this.ask(auth.mount ?? 'cert', 'login', { name: auth.name });
    }
  }

  private *ask(mount: string, action: string, content: object): Steps<Grant> {
    const path = `/v1/auth/${encodePath(trimSlashes(mount))}/${action}`;
    const namespace = this.#namespace;
    const answer = yield { method: 'POST', path, namespace, content, isLogin: true };
    const { auth } = answer.content ?? {};
    if (answer.statusCode === 200 && isObject(auth)) return grantOf(auth);
    throw loginError(answer, `The login by ${this.#auth.method} at auth/${trimSlashes(mount)}`);
  }

  private *unwrapOnce(token: string): Steps<string> {
    if (this.#unwrappedSecretId !== undefined) return this.#unwrappedSecretId;
    if (this.#isUnwrapping) throw unwrapInFlight();
    this.#isUnwrapping = true;
    try {
      return yield* this.unwrap(token);
    } finally {
      this.#isUnwrapping = false;
    }
  }

  private *unwrap(token: string): Steps<string> {
    const path = '/v1/sys/wrapping/unwrap';
    const namespace = this.#namespace;
    const answer = yield { method: 'POST', path, token, namespace, isLogin: true };
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
}

/** Reads the `auth` of the answer to a login or a renewal. */
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

const DENIED_WITHOUT_TOKEN =
  'no token was sent, as auth.method is none, and the agent at the address has added none that is allowed this. Look at the ' +
  "agent's auto_auth, at use_auto_auth_token of its api_proxy, and at the policies of its token";

function givenGrant(token: string | undefined): Grant {
  return { token, validForMs: Infinity, isRenewable: false };
}

/**
 * Translates a refused login to `UNAUTHENTICATED`. Most methods answer 400 to wrong credentials, and 403 if the
 * method is not mounted or the user is locked out.
 */
function loginError(answer: VaultAnswer, subject: string): SecretManagerError {
  const error = vaultError(answer, subject);
  const isRefused = [400, 403].includes(answer.statusCode) && isFromVault(answer);
  if (!isRefused || error.code === 'MISCONFIGURED') return error;
  return new SecretManagerError(
    'UNAUTHENTICATED',
    `${subject} failed: the server refused the credentials. Check them, the role and the mount. ${originOf(answer)}`,
  );
}

/**
 * Explains a second unwrapping in flight. The server would refuse it as if another client had taken the secret id.
 */
function unwrapInFlight(): SecretManagerError {
  return new SecretManagerError(
    'UNAVAILABLE',
    'The wrapped secret id is being unwrapped by a login in flight, which a synchronous read cannot wait for. Try again, or ' +
      'preload a secret, so that the login is over by then.',
  );
}

function jwtOf(auth: VaultAuth & { readonly method: 'jwt' | 'kubernetes' }): string {
  if (auth.method === 'jwt' && auth.jwt !== undefined) return auth.jwt;
  return lineOf(auth.jwtFile ?? DEFAULT_JWT_FILE, 'the JWT');
}

/**
 * Reads a one-line file. The read blocks in an asynchronous login, too, so that both logins share the same code.
 */
function lineOf(path: string, what: string): string {
  const line = textOfFile(path)?.trim();
  if (isPrintable(line)) return line;
  const problem = line === undefined ? 'cannot be read' : 'is empty, or holds more than one line';
  throw new SecretManagerError(
    'MISCONFIGURED',
    `The file of ${what}, ${quoteName(path)}, ${problem}.`,
  );
}
