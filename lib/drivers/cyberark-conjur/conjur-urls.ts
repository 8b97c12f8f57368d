import { assertSecretName } from '../../core/validation/secret-name';

/** The addresses of one account of a server. */
export class ConjurUrls {
  readonly #base: string;
  readonly #account: string;

  constructor(address: string, account: string) {
    this.#base = address.replace(/\/+$/, '');
    this.#account = account;
  }

  login(login: string): string {
    return `${this.#base}/authn/${this.account}/${encodeURIComponent(login)}/authenticate`;
  }

  jwtLogin(serviceId: string, login?: string): string {
    const host = login === undefined ? '' : `/${encodeURIComponent(login)}`;
    return `${this.#base}/authn-jwt/${encodeURIComponent(serviceId)}/${this.account}${host}/authenticate`;
  }

  variable(secretName: string, version?: number): string {
    const query = version === undefined ? '' : `?version=${version}`;
    return `${this.#base}/secrets/${this.account}/variable/${encoded(secretName)}${query}`;
  }

  /** Returns the URL of a batch. No name may hold a comma or be an impossible one. */
  variables(secretNames: readonly string[]): string {
    const ids = secretNames.map((name) => encodeURIComponent(this.idOf(name)));
    return `${this.#base}/secrets?variable_ids=${ids.join(',')}`;
  }

  /** Returns the name of a variable in the answer to a batch. */
  idOf(secretName: string): string {
    return `${this.#account}:variable:${secretName}`;
  }

  policy(branch: string): string {
    return `${this.#base}/policies/${this.account}/policy/${encoded(branch)}`;
  }

  whoami(): string {
    return `${this.#base}/whoami`;
  }

  private get account(): string {
    return encodeURIComponent(this.#account);
  }
}

/** Encodes a name as one part of a path. Throws `INVALID_ARGUMENT` for a name that no secret can have. */
function encoded(name: string): string {
  assertSecretName(name);
  return encodeURIComponent(name);
}
